# Members by the daemon's rows: added, promoted, demoted, removed, let in again.

test a member's whole life
daemon A
daemon B
local a A
local b B
key oldie
a > {"type":"local_mesh_create","_reqId":"1","name":"Crew","broker":"$url","display":"alice"}
a < {"type":"local_mesh","_reqId":"1","mesh":{"id":"$id","slug":"$slug",...},"member":{"id":"$alice","name":"alice"}}
a > {"type":"local_invite_create","_reqId":"2","uses":3}
a < {"type":"local_invite","_reqId":"2","url":"$link",...}
b > {"type":"local_mesh_join","_reqId":"1","url":"$link","name":"bob"}
b < {"type":"local_mesh","_reqId":"1","mesh":*,"member":{"id":"$bob","name":"bob"}}
# added by its key
a > {"type":"local_member_add","_reqId":"3","name":"oldie","key":"$oldie","old_client":true}
a < {"type":"local_member","_reqId":"3","id":"$oldie","name":"oldie","mesh":"$slug","role":"member","state":"active","old_client":true}
a > {"type":"local_member_add","_reqId":"4","name":"oldie","key":"$oldie"}
a < {"type":"error","_reqId":"4","code":"conflict","message":"this key is a member already",...}
a > {"type":"local_member_add","_reqId":"5","name":"eve","key":"beef"}
a < {"type":"error","_reqId":"5","code":"bad_field","message":"key is a member key: 64 lower-case hex digits","field":"key"}
b > {"type":"local_member_add","_reqId":"2","name":"eve","key":"$id$id"}
b < {"type":"error","_reqId":"2","code":"bad_field","message":*,"field":"key"}
# promoted and demoted
a > {"type":"local_member_promote","_reqId":"6","member":"oldie"}
a < {"type":"error","_reqId":"6","code":"conflict","message":"*old client*"}
a > {"type":"local_member_promote","_reqId":"7","member":"bob"}
a < {"type":"local_member","_reqId":"7","id":"$bob","name":"bob","mesh":"$slug","role":"admin","state":"active"}
a > {"type":"local_member_demote","_reqId":"8","member":"bob"}
a < {"type":"local_member","_reqId":"8","id":"$bob","name":"bob","mesh":"$slug","role":"member","state":"active"}
a > {"type":"local_member_demote","_reqId":"9","member":"bob"}
a < {"type":"error","_reqId":"9","code":"conflict","message":"this member is no admin",...}
b > {"type":"local_member_promote","_reqId":"3","member":"bob"}
b < {"type":"error","_reqId":"3","code":"forbidden","message":"only the owner of mesh crew may do that"}
# removed, and what that did
b > {"type":"local_member_ban","_reqId":"4","member":"alice"}
b < {"type":"error","_reqId":"4","code":"forbidden",...}
a > {"type":"local_member_ban","_reqId":"10","member":"nobody"}
a < {"type":"error","_reqId":"10","code":"not_found","message":"mesh crew has no member 'nobody'; *"}
a > {"type":"local_member_ban","_reqId":"11","member":"bob"}
a < {"type":"local_banned","_reqId":"11","id":"$bob","name":"bob","mesh":"$slug","epoch":2,"last_readable":1,"sessions":*,"invites":1,"waiting":[],"members":1}
a > {"type":"local_member_unban","_reqId":"12","member":"oldie"}
a < {"type":"error","_reqId":"12","code":"conflict","message":"this key is not removed",...}
a > {"type":"local_member_unban","_reqId":"13","member":"bob"}
a < {"type":"local_member","_reqId":"13","id":"$bob","name":"bob","mesh":"$slug","role":"member","state":"left"}
# an invite that leaked goes with the epoch
a > {"type":"local_invite_create","_reqId":"14"}
a < {"type":"local_invite","_reqId":"14","url":*,"code":"$code",...}
a > {"type":"local_invite_revoke","_reqId":"15","code":"$code","leaked":true}
a < {"type":"ok","_reqId":"15"}
a > {"type":"local_mesh_settings","_reqId":"16","old_clients":"yes"}
a < {"type":"error","_reqId":"16","code":"bad_field","message":"old_clients is on or off","field":"old_clients"}
a > {"type":"local_mesh_settings","_reqId":"17","old_clients":"on"}
a < {"type":"local_meshes","_reqId":"17","meshes":[{"epoch":3,"old_clients":true,...}]}
