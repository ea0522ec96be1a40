/* undef.h - forget the words of the table after a pass. No guard: meant to be
 * included after each. */
#undef REQUEST
#undef REPLY
#undef PUSH
#undef RECORD
#undef END
#undef STR
#undef INT
#undef BOOL
#undef TIME
#undef ANY
#undef LIST
#undef OBJ
#undef OPT_STR
#undef OPT_INT
#undef OPT_BOOL
#undef OPT_TIME
#undef OPT_ANY
#undef OPT_LIST
#undef OPT_OBJ
