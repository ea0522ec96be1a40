/* nofields.h - a pass over the table that looks at messages only. */
#define STR(c, wire, min, max, doc)
#define INT(c, wire, min, max, doc)
#define BOOL(c, wire, doc)
#define TIME(c, wire, doc)
#define ANY(c, wire, max, doc)
#define LIST(c, wire, record, max, doc)
#define OBJ(c, wire, record, doc)
#define OPT_STR STR
#define OPT_INT INT
#define OPT_BOOL BOOL
#define OPT_TIME TIME
#define OPT_ANY ANY
#define OPT_LIST LIST
#define OPT_OBJ OBJ
