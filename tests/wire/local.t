# The daemon's own socket: two daemons, a broker, lines. Every local row is
# answered well and with an error (tests/wire/run looks whether that is so).

test a daemon without a mesh
daemon A
local a A
a > {"type":"local_hello","_reqId":"1","version":"9.9","build":0}
a < {"type":"local_welcome","_reqId":"1","version":"$v","pid":$pid}
a > {"type":"local_hello","_reqId":"2","version":"9.9"}
a < {"type":"error","_reqId":"2","code":"missing_field","message":*,"field":"build"}
a > {"type":"local_account_show","_reqId":"3"}
a < {"type":"local_account","_reqId":"3","account":"$acc","file":"*/A/account.key","meshes":0}
a > {"type":"local_account_show","_reqId":"4","_session":"nobody"}
a < {"type":"error","_reqId":"4","code":"no_session","message":"*nobody*"}
a > {"type":"local_status","_reqId":"5"}
a < {"type":"local_state","_reqId":"5","ok":true,"checks":[{"name":"store","ok":true,"detail":*},{"name":"meshes","ok":true,"detail":*}],
	"version":"$v","pid":$pid,"started_at":*,"meshes":[]}
a > {"type":"local_status","_reqId":"6","_session":"nobody"}
a < {"type":"error","_reqId":"6","code":"no_session","message":*}
a > {"type":"local_mesh_list","_reqId":"7"}
a < {"type":"local_meshes","_reqId":"7","meshes":[]}
a > {"type":"local_session_list","_reqId":"8"}
a < {"type":"local_sessions","_reqId":"8","sessions":[]}
a > {"type":"local_inbox","_reqId":"9"}
a < {"type":"local_inbox_page","_reqId":"9","messages":[],"cursor":0}
a > {"type":"local_message_list","_reqId":"10"}
a < {"type":"local_messages","_reqId":"10","messages":[]}
# what needs a mesh says that there is none
a > {"type":"local_peer_list","_reqId":"11"}
a < {"type":"error","_reqId":"11","code":"no_mesh","message":"*mesh create*"}
a > {"type":"local_send","_reqId":"12","to":["bob"],"text":"x"}
a < {"type":"error","_reqId":"12","code":"no_mesh","message":*}
a > {"type":"local_profile","_reqId":"13"}
a < {"type":"error","_reqId":"13","code":"no_mesh","message":*}
a > {"type":"local_session_open","_reqId":"14","name":"x"}
a < {"type":"error","_reqId":"14","code":"no_mesh","message":*}
a > {"type":"local_mesh_settings","_reqId":"15"}
a < {"type":"error","_reqId":"15","code":"no_mesh","message":*}
a > {"type":"local_mesh_leave","_reqId":"16"}
a < {"type":"error","_reqId":"16","code":"no_mesh","message":*}
a > {"type":"local_mesh_delete","_reqId":"17"}
a < {"type":"error","_reqId":"17","code":"no_mesh","message":*}
a > {"type":"local_member_list","_reqId":"18"}
a < {"type":"error","_reqId":"18","code":"no_mesh","message":*}
a > {"type":"local_invite_create","_reqId":"19"}
a < {"type":"error","_reqId":"19","code":"no_mesh","message":*}
a > {"type":"local_invite_list","_reqId":"20"}
a < {"type":"error","_reqId":"20","code":"no_mesh","message":*}
a > {"type":"local_mesh_list","_reqId":"21","mesh":"none"}
a < {"type":"error","_reqId":"21","code":"no_mesh","message":*}
a > {"type":"local_session_list","_reqId":"22","mesh":"none"}
a < {"type":"error","_reqId":"22","code":"no_mesh","message":*}
a > {"type":"local_message_list","_reqId":"23","mesh":"none"}
a < {"type":"error","_reqId":"23","code":"no_mesh","message":*}
a > {"type":"local_inbox","_reqId":"24","mesh":"none"}
a < {"type":"error","_reqId":"24","code":"no_mesh","message":*}
stop A
expect-close a 1006

test what is no request, and what is no daemon's
daemon A
local a A
a > {"type":"local_status"
a < {"type":"error","code":"bad_json","message":*}
a > {"type":"local_status","type":"local_stop"}
a < {"type":"error","code":"bad_json","message":"*duplicate*"}
a > {"type":"local_status","_reqId":"\u0000"}
a < {"type":"error","code":"bad_json","message":*}
a > []
a < {"type":"error","code":"bad_json","message":*}
a > {"type":"nothing","_reqId":"1"}
a < {"type":"error","_reqId":"1","code":"unknown_type","message":*,"field":"type"}
a > {"type":"list_peers","_reqId":"2"}
a < {"type":"error","_reqId":"2","code":"unknown_type","message":*}
a > {"type":"local_welcome","_reqId":"3"}
a < {"type":"error","_reqId":"3","code":"unknown_type","message":*}
# a line over 1 MiB ends the connection, not the daemon
a > {"type":"local_status","x":"$long:1048577"}
a < {"type":"error","code":"too_large","message":*}
expect-close a 1006
local a A
a > {"type":"local_status","_reqId":"4"}
a < {"type":"local_state","_reqId":"4",...}
stop A
expect-close a 1006

test every field of every request, beyond its limits
daemon A
local a A
limits a
a > {"type":"local_status","_reqId":"1"}
a < {"type":"local_state","_reqId":"1",...}
stop A
expect-close a 1006

test from the first mesh to the last
daemon A
daemon B
local a A
local b B
a > {"type":"local_mesh_create","_reqId":"1","name":"Test Mesh","broker":"$url","display":"alice"}
a < {"type":"local_mesh","_reqId":"1","mesh":{"id":"$id","slug":"$slug","name":"Test Mesh","broker":"$url","owner":"$owner"},
	"member":{"id":"$alice","name":"alice"}}
a > {"type":"local_mesh_create","_reqId":"2","name":" Test Mesh"}
a < {"type":"error","_reqId":"2","code":"bad_field","message":*,"field":"name"}
a > {"type":"local_mesh_list","_reqId":"3"}
a < {"type":"local_meshes","_reqId":"3","meshes":[{"id":"$id","slug":"$slug","name":"Test Mesh","broker":"$url","owner":"$owner",
	"member":"$alice","me":"alice","role":"owner","state":*,"members":1,"acts":2,"head":"$head","epoch":1}]}
a > {"type":"local_mesh_trust","_reqId":"t1"}
a < {"type":"ok","_reqId":"t1"}
a > {"type":"local_mesh_trust","_reqId":"t2","pin":"00"}
a < {"type":"error","_reqId":"t2","code":"bad_field","message":*,"field":"pin"}
a > {"type":"local_mesh_trust","_reqId":"t3","ca":"-----BEGIN CERTIFICATE-----"}
a < {"type":"error","_reqId":"t3","code":"bad_field","message":"*wss*","field":"ca"}
a > {"type":"local_mesh_trust","_reqId":"t4","mesh":"none"}
a < {"type":"error","_reqId":"t4","code":"no_mesh","message":*}
a > {"type":"local_mesh_create","_reqId":"t5","name":"x","broker":"wss://h","ca":"x","pin":"0000000000000000000000000000000000000000000000000000000000000000"}
a < {"type":"error","_reqId":"t5","code":"bad_field","message":*,"field":"ca"}
a > {"type":"local_invite_create","_reqId":"4"}
a < {"type":"local_invite","_reqId":"4","url":"$link","code":"$code","role":"member","expires_at":*,"uses":1}
a > {"type":"local_invite_create","_reqId":"5","role":"boss"}
a < {"type":"error","_reqId":"5","code":"bad_field","message":*,"field":"role"}
a > {"type":"local_invite_create","_reqId":"6","uses":3,"expires_ms":3600000,"self_contained":true}
a < {"type":"local_invite","_reqId":"6","url":"ic://join/*","code":"$code2","role":"member","expires_at":*,"uses":3}
a > {"type":"local_invite_revoke","_reqId":"7","code":"$code2"}
a < {"type":"ok","_reqId":"7"}
a > {"type":"local_invite_revoke","_reqId":"8","code":"$code2"}
a < {"type":"error","_reqId":"8","code":"conflict","message":*}
a > {"type":"local_invite_list","_reqId":"9"}
a < {"type":"local_invites","_reqId":"9","invites":[
	{"code":"$code","role":"member","uses":1,"used":0,"expires_at":*,"state":"open","by":"alice"},
	{"code":"$code2","role":"member","uses":3,"used":0,"expires_at":*,"state":"revoked","by":"alice"}]}
# the other machine
b > {"type":"local_mesh_look","_reqId":"1","url":"$link"}
b < {"type":"local_mesh_view","_reqId":"1","id":"$id","name":"Test Mesh","broker":"$url","inviter":"alice","role":"member","members":1,"expires_at":*}
b > {"type":"local_mesh_look","_reqId":"2","url":"http://nowhere/"}
b < {"type":"error","_reqId":"2","code":"link_spoiled","message":*,...}
b > {"type":"local_mesh_join","_reqId":"3","url":"nonsense"}
b < {"type":"error","_reqId":"3","code":"link_spoiled","message":*,...}
b > {"type":"local_mesh_join","_reqId":"4","url":"$link","name":"bob"}
b < {"type":"local_mesh","_reqId":"4","mesh":{"id":"$id","slug":"$slug","name":"Test Mesh","broker":"$url","owner":"$owner"},"member":{"id":"$bob","name":"bob"}}
b > {"type":"local_member_list","_reqId":"5"}
b < {"type":"local_members","_reqId":"5","members":[
	{"id":"$alice","name":"alice","role":"owner","state":"active","joined_at":*,"sessions":*},
	{"id":"$bob","name":"bob","role":"member","state":"active","joined_at":*,"sessions":*,"you":true}]}
# peers
b > {"type":"local_peer_list","_reqId":"6"}
b < {"type":"local_peers","_reqId":"6","peers":[
	{"name":"alice","key":"$ka","member":"alice","member_key":"$alice","status":"idle","type":*,"online":true,"you":false,"mesh":"$slug","home":true,"since":*,...},
	{"name":"bob","key":"$kb","member":"bob","member_key":"$bob","status":"idle","type":*,"online":true,"you":true,"mesh":"$slug","home":true,"since":*,...}]}
b > {"type":"local_peer_list","_reqId":"7","name":"zoe"}
b < {"type":"error","_reqId":"7","code":"no_peer","message":*}
b > {"type":"local_peer_verify","_reqId":"8","name":"alice"}
b < {"type":"local_safety","_reqId":"8","name":"alice","member":"$alice","you":"$bob","safety_number":"$safe"}
a > {"type":"local_peer_verify","_reqId":"9","name":"bob"}
a < {"type":"local_safety","_reqId":"9","name":"bob","member":"$bob","you":"$alice","safety_number":"$safe"}
a > {"type":"local_peer_verify","_reqId":"10","name":"alice"}
a < {"type":"error","_reqId":"10","code":"usage","message":*}
# a message there and an answer back
a > {"type":"local_send","_reqId":"11","to":["bob"],"text":"hello bob","expects":"reply","wait":"delivered","wait_ms":15000}
a < {"type":"local_sent","_reqId":"11","id":"$mid","mesh":"$slug","recipients":[{"name":"bob","key":"$bob","receipt":"delivered","at":*}]}
b > {"type":"local_inbox","_reqId":"9","wait_ms":15000}
b < {"type":"local_inbox_page","_reqId":"9","messages":[{"id":"$mid","from":"alice","from_key":"$ka","from_member":"$alice","to":"bob",
	"mesh":"$slug","text":"hello bob","priority":"next","encrypted":true,"verified":true,"sent_at":*,"received_at":*,
	"receipt":"delivered","expects":"reply","n":$n}],"cursor":$n}
b > {"type":"local_send","_reqId":"10","to":["alice"],"text":"hello alice","reply_to":"$mid","wait":"delivered","wait_ms":15000}
b < {"type":"local_sent","_reqId":"10","id":"$mid2","mesh":"$slug","recipients":[{"name":"alice","key":"$alice","receipt":"delivered","at":*}]}
a > {"type":"local_message_status","_reqId":"12","id":"$mid","wait":"answered","wait_ms":15000}
a < {"type":"local_sent","_reqId":"12","id":"$mid","mesh":"$slug","recipients":[{"name":"bob","key":"$bob","receipt":"answered","at":*}]}
a > {"type":"local_message_status","_reqId":"13","id":"zzzz"}
a < {"type":"error","_reqId":"13","code":"not_found","message":*}
a > {"type":"local_message_list","_reqId":"14"}
a < {"type":"local_messages","_reqId":"14","messages":[{"id":"$mid","mesh":"$slug","to":"bob","text":"hello bob","priority":"next","receipt":"answered","sent_at":*}]}
a > {"type":"local_inbox","_reqId":"15","read":true}
a < {"type":"local_inbox_page","_reqId":"15","messages":[{"id":"$mid2","from":"bob","text":"hello alice","reply_to":"$mid","verified":true,...}],"cursor":*}
a > {"type":"local_inbox","_reqId":"16"}
a < {"type":"local_inbox_page","_reqId":"16","messages":[],"cursor":0}
a > {"type":"local_inbox","_reqId":"17","all":true}
a < {"type":"local_inbox_page","_reqId":"17","messages":[{"id":"$mid2","read":true,...}],"cursor":*}
a > {"type":"local_send","_reqId":"18","to":["zoe"],"text":"x"}
a < {"type":"error","_reqId":"18","code":"no_peer","message":*,"field":"to"}
a > {"type":"local_send","_reqId":"19","to":[],"text":"x"}
a < {"type":"error","_reqId":"19","code":"missing_field",...}
# the profile
a > {"type":"local_profile","_reqId":"20","status":"dnd","summary":"busy","title":"Dr.","capabilities":["c"]}
a < {"type":"local_profile_page","_reqId":"20","mesh":"$slug","name":"alice","key":"$ka","member":"alice","status":"dnd","visible":true,"summary":"busy","title":"Dr.","capabilities":["c"]}
a > {"type":"local_profile","_reqId":"21","status":"asleep"}
a < {"type":"error","_reqId":"21","code":"bad_field","message":*,"field":"status"}
a > {"type":"local_profile","_reqId":"20t","tags":["repo=x"],"status":"dnd"}
a < {"type":"local_profile_page","_reqId":"20t","tags":["repo=x"],...}
a > {"type":"local_profile","_reqId":"20u","tags":["repo"]}
a < {"type":"error","_reqId":"20u","code":"bad_field","message":*,"field":"tags"}
a > {"type":"local_profile","_reqId":"20v","tags":["-"]}
a < {"type":"local_profile_page","_reqId":"20v","mesh":"$slug","name":"alice","key":"$ka","member":"alice","status":"dnd","visible":true,"summary":"busy","title":"Dr.","capabilities":["c"]}
# groups
b > {"type":"local_group_join","_reqId":"30","name":"@dev","role":"lead"}
b < {"type":"ok","_reqId":"30"}
b > {"type":"local_group_join","_reqId":"31","name":"a b"}
b < {"type":"error","_reqId":"31","code":"bad_field","message":*,"field":"name"}
b > {"type":"local_group_join","_reqId":"32","name":"all"}
b < {"type":"error","_reqId":"32","code":"bad_field","message":*,"field":"name"}
b > {"type":"local_group_list","_reqId":"33"}
b < {"type":"local_groups","_reqId":"33","groups":[{"name":"dev","members":1,"online":1,"joined":true,"role":"lead"}]}
b > {"type":"local_group_list","_reqId":"34","mesh":"elsewhere"}
b < {"type":"error","_reqId":"34","code":"no_mesh",...}
b > {"type":"local_peer_list","_reqId":"35","group":"@dev"}
b < {"type":"local_peers","_reqId":"35","peers":[{"key":"$kb","groups":[{"name":"dev","role":"lead"}],...}]}
b > {"type":"local_group_leave","_reqId":"36","name":"dev"}
b < {"type":"ok","_reqId":"36"}
b > {"type":"local_group_leave","_reqId":"37","name":"dev"}
b < {"type":"error","_reqId":"37","code":"not_found",...}
# what happened
a > {"type":"local_events","_reqId":"40","limit":1}
a < {"type":"local_event_page","_reqId":"40","events":[{"n":$en,"mesh":"$slug","event":"*","text":"*",...}],"cursor":$en}
a > {"type":"local_events","_reqId":"41","after":$en,"wait_ms":1}
a << {"type":"local_event_page","_reqId":"41",...}
a > {"type":"local_events","_reqId":"42","mesh":"elsewhere"}
a < {"type":"error","_reqId":"42","code":"no_mesh",...}
# sessions
a > {"type":"local_session_open","_reqId":"22","name":"worker","role":"tester","groups":[{"name":"g"}]}
a < {"type":"local_session","_reqId":"22","session":"$sid","name":"worker","key":"$kw","mesh":"$slug"}
a > {"type":"local_session_open","_reqId":"23","name":"human"}
a < {"type":"error","_reqId":"23","code":"bad_field","message":*,"field":"name"}
a > {"type":"local_session_list","_reqId":"24"}
a < {"type":"local_sessions","_reqId":"24","sessions":[
	{"session":*,"name":"alice","key":"$ka","mesh":"$slug","state":"open","home":true},
	{"session":"$sid","name":"worker","key":"$kw","mesh":"$slug","state":"open"}]}
b > {"type":"local_send","_reqId":"11","to":["worker"],"text":"to the worker","priority":"now","wait":"delivered","wait_ms":15000}
b < {"type":"local_sent","_reqId":"11","recipients":[{"name":"worker","key":"$kw","receipt":"delivered",...}],...}
a > {"type":"local_inbox","_reqId":"25","_session":"$sid"}
a < {"type":"local_inbox_page","_reqId":"25","messages":[{"to":"worker","text":"to the worker","priority":"now",...}],...}
# kick: only admins
b > {"type":"local_peer_kick","_reqId":"12","name":"worker"}
b < {"type":"error","_reqId":"12","code":"forbidden","message":*}
a > {"type":"local_peer_kick","_reqId":"26","name":"worker"}
a < {"type":"ok","_reqId":"26"}
a > {"type":"local_session_open","_reqId":"27","name":"second"}
a < {"type":"local_session","_reqId":"27","session":"$sid2","name":"second","key":"$k2",...}
a > {"type":"local_session_end","_reqId":"28","session":"$sid2"}
a < {"type":"ok","_reqId":"28"}
a > {"type":"local_session_end","_reqId":"29","session":"nobody"}
a < {"type":"error","_reqId":"29","code":"no_session","message":*}
a > {"type":"local_session_open","_reqId":"30","name":"second","resume":"$sid2"}
a < {"type":"local_session","_reqId":"30","session":"$sid2","name":"second","key":"$k2",...}
a > {"type":"local_session_revoke","_reqId":"31","key":"$sid2"}
a < {"type":"ok","_reqId":"31"}
a > {"type":"local_session_revoke","_reqId":"32","key":"$sid2"}
a < {"type":"error","_reqId":"32","code":"conflict","message":*}
# settings
a > {"type":"local_mesh_settings","_reqId":"33","name":"Renamed","send_rate":50,"send_burst":60}
a < {"type":"local_meshes","_reqId":"33","meshes":[{"id":"$id","name":"Renamed","send_rate":50,"send_burst":60,...}]}
b > {"type":"local_mesh_settings","_reqId":"13","name":"Mine"}
b < {"type":"error","_reqId":"13","code":"forbidden","message":*}
b > {"type":"local_mesh_delete","_reqId":"14"}
b < {"type":"error","_reqId":"14","code":"forbidden","message":*}
# bob leaves, alice erases
b > {"type":"local_mesh_leave","_reqId":"15"}
b < {"type":"ok","_reqId":"15"}
b > {"type":"local_mesh_list","_reqId":"16"}
b < {"type":"local_meshes","_reqId":"16","meshes":[]}
# bob's machine becomes another one of alice's
a > {"type":"local_account_link","_reqId":"33a","_session":"nobody"}
a < {"type":"error","_reqId":"33a","code":"no_session","message":*}
a > {"type":"local_account_link","_reqId":"33b","expires_ms":60000}
a < {"type":"local_account_sealed","_reqId":"33b","text":"$ltext","code":"$lcode","expires_at":*,"meshes":1}
b > {"type":"local_account_take","_reqId":"17","text":"$ltext","code":"0000-0000-0000"}
b < {"type":"error","_reqId":"17","code":"cannot_open","message":*,"field":"code"}
b > {"type":"local_account_take","_reqId":"18","text":"$ltext.","code":"$lcode"}
b < {"type":"error","_reqId":"18","code":"link_spoiled","message":*}
b > {"type":"local_account_take","_reqId":"19","text":"$ltext","code":"$lcode"}
b < {"type":"local_account_taken","_reqId":"19","account":*,"meshes":[{"mesh":"$id","broker":"$url"}]}
b > {"type":"local_mesh_attach","_reqId":"20","id":"$id","broker":"nonsense://"}
b < {"type":"error","_reqId":"20","code":"bad_field","message":*,"field":"broker"}
b > {"type":"local_mesh_attach","_reqId":"21","id":"$id","broker":"$url"}
b < {"type":"local_mesh","_reqId":"21","mesh":{"id":"$id",...},"member":{"id":"$alice","name":"alice"}}
b > {"type":"local_mesh_attach","_reqId":"22","id":"$id","broker":"$url"}
b < {"type":"local_mesh","_reqId":"22","mesh":{"id":"$id",...},"member":{"id":"$alice","name":"alice"}}
a > {"type":"local_mesh_leave","_reqId":"34"}
a < {"type":"error","_reqId":"34","code":"forbidden","message":*}
a > {"type":"local_mesh_delete","_reqId":"35"}
a < {"type":"ok","_reqId":"35"}
a > {"type":"local_mesh_list","_reqId":"36"}
a < {"type":"local_meshes","_reqId":"36","meshes":[]}
a > {"type":"local_stop","_reqId":"37","_session":"nobody"}
a < {"type":"error","_reqId":"37","code":"no_session","message":*}
a > {"type":"local_stop","_reqId":"38"}
a < {"type":"ok","_reqId":"38"}
expect-close a 1006
ended A
stop B
expect-close b 1006

test shared state
daemon A
local a A
a > {"type":"local_state_set","_reqId":"1","key":"k","value":1}
a < {"type":"error","_reqId":"1","code":"no_mesh","message":*}
a > {"type":"local_state_get","_reqId":"2","key":"k"}
a < {"type":"error","_reqId":"2","code":"no_mesh","message":*}
a > {"type":"local_state_delete","_reqId":"3","key":"k"}
a < {"type":"error","_reqId":"3","code":"no_mesh","message":*}
a > {"type":"local_state_list","_reqId":"4"}
a < {"type":"error","_reqId":"4","code":"no_mesh","message":*}
a > {"type":"local_state_watch","_reqId":"5"}
a < {"type":"error","_reqId":"5","code":"no_mesh","message":*}
a > {"type":"local_mesh_create","_reqId":"6","name":"m","broker":"$url","display":"alice"}
a < {"type":"local_mesh","_reqId":"6",...}
a > {"type":"local_state_watch","_reqId":"7"}
a < {"type":"local_state_changes","_reqId":"7","changes":[],"next":$next}
a > {"type":"local_state_set","_reqId":"8","key":"k","value":[ 1.0 ]}
a < {"type":"local_state_written","_reqId":"8","key":"k","version":1}
a > {"type":"local_state_watch","_reqId":"9","after":$next,"wait_ms":10000}
a < {"type":"local_state_changes","_reqId":"9","changes":[{"key":"k","value":[ 1.0 ],"updated_by":"alice","updated_at":*,"version":1,"proof":"verified","member":"alice","writer":*,"mesh":"m"}],"next":*}
a > {"type":"local_state_get","_reqId":"10","key":"k"}
a < {"type":"local_state_value","_reqId":"10","key":"k","value":[ 1.0 ],"updated_by":"alice","updated_at":*,"version":1,"proof":"verified","member":"alice","writer":*}
a > {"type":"local_state_set","_reqId":"11","key":"k","value":2,"if_version":7}
a < {"type":"error","_reqId":"11","code":"conflict","message":*}
a > {"type":"local_state_list","_reqId":"12"}
a < {"type":"local_state_entries","_reqId":"12","entries":[{"key":"k",...}]}
a > {"type":"local_state_delete","_reqId":"13","key":"k","if_version":1}
a < {"type":"local_state_written","_reqId":"13","key":"k","version":2}
a > {"type":"local_state_delete","_reqId":"14","key":"k"}
a < {"type":"error","_reqId":"14","code":"not_found","message":*,"field":"key"}
a > {"type":"local_state_get","_reqId":"15","key":"k"}
a < {"type":"error","_reqId":"15","code":"not_found","message":"*'k'*"}
# a number that was never given
a > {"type":"local_state_watch","_reqId":"16","after":1,"wait_ms":10000}
a < {"type":"local_state_changes","_reqId":"16","changes":[*,*],"next":*,"gap":true}
stop A
expect-close a 1006

test memory
daemon M
local a M
a > {"type":"local_memory_remember","_reqId":"1","content":"x"}
a < {"type":"error","_reqId":"1","code":"no_mesh","message":*}
a > {"type":"local_memory_recall","_reqId":"2"}
a < {"type":"error","_reqId":"2","code":"no_mesh","message":*}
a > {"type":"local_memory_forget","_reqId":"3","id":"x"}
a < {"type":"error","_reqId":"3","code":"no_mesh","message":*}
a > {"type":"local_mesh_create","_reqId":"4","name":"m","broker":"$url","display":"alice"}
a < {"type":"local_mesh","_reqId":"4",...}
a > {"type":"local_memory_remember","_reqId":"5","content":"it rains","tags":["sky"]}
a < {"type":"local_memory_id","_reqId":"5","id":"$id"}
a > {"type":"local_memory_recall","_reqId":"6","query":"raining"}
a < {"type":"local_memories","_reqId":"6","memories":[{"id":"$id","content":"it rains","tags":["sky"],"by":"alice","at":*,"score":*,"proof":"verified","member":"alice","writer":*}]}
a > {"type":"local_memory_forget","_reqId":"7","id":"$id"}
a < {"type":"ok","_reqId":"7"}
a > {"type":"local_memory_recall","_reqId":"8"}
a < {"type":"local_memories","_reqId":"8","memories":[]}
a > {"type":"local_memory_forget","_reqId":"9","id":"$id"}
a < {"type":"error","_reqId":"9","code":"not_found","message":*,"field":"memoryId"}
stop M
expect-close a 1006
