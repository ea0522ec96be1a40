# Groups, tags, and what is said to many.

test joining, another role, leaving
mesh m owner alice
join bob m
peer alice
hello alice s1
peer bob
hello bob b1
event alice peer_joined b1
bob > {"type":"join_group","_reqId":"1","name":"reviewers"}
bob < {"type":"ok","_reqId":"1"}
event alice group_joined b1 -> "group":"reviewers"
event bob group_joined b1 -> "group":"reviewers"
bob > {"type":"join_group","_reqId":"2","name":"reviewers","role":"lead"}
bob < {"type":"ok","_reqId":"2"}
event alice group_role b1 -> "group":"reviewers","role":"lead"
event bob group_role b1 -> "group":"reviewers","role":"lead"
# the same again says nothing new
bob > {"type":"join_group","_reqId":"3","name":"reviewers","role":"lead"}
bob < {"type":"ok","_reqId":"3"}
quiet alice
alice > {"type":"list_peers","_reqId":"4","group":"reviewers"}
alice < {"type":"peers_list","_reqId":"4","peers":[{"pubkey":"$b1","groups":[{"name":"reviewers","role":"lead"}],...}]}
alice > {"type":"list_groups","_reqId":"5"}
alice < {"type":"groups_list","_reqId":"5","groups":[{"name":"reviewers","members":1,"online":1}]}
bob > {"type":"leave_group","_reqId":"6","name":"reviewers"}
bob < {"type":"ok","_reqId":"6"}
event alice group_left b1 -> "group":"reviewers"
event bob group_left b1 -> "group":"reviewers"
bob > {"type":"leave_group","_reqId":"7","name":"reviewers"}
bob < {"type":"error","_reqId":"7","code":"not_found","message":*,"field":"name"}
bob > {"type":"join_group","_reqId":"8","name":"a b"}
bob < {"type":"error","_reqId":"8","code":"bad_field","message":*,"field":"name"}
bob > {"type":"join_group","_reqId":"9","name":"@reviewers"}
bob < {"type":"error","_reqId":"9","code":"bad_field","message":*,"field":"name"}
bob > {"type":"set_tags","_reqId":"10","tags":["novalue"]}
bob < {"type":"error","_reqId":"10","code":"bad_field","message":*,"field":"tags"}
alice > {"type":"list_groups","_reqId":"11"}
alice < {"type":"groups_list","_reqId":"11","groups":[]}
alice > {"type":"list_groups","_reqId":"12","_session":"$alice"}
alice < {"type":"error","_reqId":"12","code":"no_session",...}

test one row for all of a group, the sender left out, receipts of each
mesh m owner alice
join bob m
join carl m
peer alice
hello alice s1 with {"groups":[{"name":"g"}]}
peer bob
hello bob b1 with {"groups":[{"name":"g"}]}
event alice peer_joined b1 -> "groups":*
hello bob b2 of bob with {"groups":[{"name":"g"}]}
event alice peer_joined b2 -> "groups":*
peer carl
hello carl c1
event alice peer_joined c1
event bob peer_joined c1
sealed c s1 @g message-0001 "to the group"
alice > {"type":"send","_reqId":"1","id":"message-0001","targetSpec":"@g","priority":"next",$c,"epoch":1}
alice < {"type":"ack","_reqId":"1","id":"message-0001","messageId":"message-0001","queued":true,
	"recipients":[{"targetSpec":"@g","receipt":"stored","at":*,"sessions":["$b1","$b2"]}]}
bob < {"type":"push","messageId":"message-0001","meshId":"$m","seq":$seq,"senderPubkey":"$s1",
	"senderMemberPubkey":"$alice","senderName":"s1","targetSpec":"@g","priority":"next",$c,
	"createdAt":*,"epoch":1,"sessions":["$b1","$b2"]}
opens bob m "to the group"
quiet alice carl
alice > {"type":"mesh_info","_reqId":"2"}
alice < {"type":"mesh_info_result","_reqId":"2","queued":1,...}
sign r receipt b1 {"mesh":"$m","from":"$s1","by":"$b1","rung":"delivered","ids":["message-0001"],"at":"$now"}
sign q receipt b2 {"mesh":"$m","from":"$s1","by":"$b2","rung":"delivered","ids":["message-0001"],"at":"$now"}
bob > {"type":"client_ack","_reqId":"3","cursor":{"history":"$b1.history","seq":$seq},"receipts":["$r","$q"]}
bob < {"type":"ok","_reqId":"3"}
alice < {"type":"receipt","_session":"$s1","doc":"$r","no":$n1}
alice < {"type":"receipt","_session":"$s1","doc":"$q","no":$n2}
# the same receipt again is nothing new
bob > {"type":"client_ack","_reqId":"4","receipts":["$r"]}
bob < {"type":"ok","_reqId":"4"}
# who was not written to has no say
sign x receipt c1 {"mesh":"$m","from":"$s1","by":"$c1","rung":"delivered","ids":["message-0001"],"at":"$now"}
carl > {"type":"client_ack","_reqId":"5","receipts":["$x"]}
carl < {"type":"ok","_reqId":"5"}
quiet alice
alice > {"type":"list_receipts","_reqId":"6"}
alice < {"type":"receipts_list","_reqId":"6","receipts":["$r","$q"],"next":$n2}
alice > {"type":"list_receipts","_reqId":"7","after":$n1}
alice < {"type":"receipts_list","_reqId":"7","receipts":["$q"],"next":$n2}
alice > {"type":"list_receipts","_reqId":"8","after":$n2}
alice < {"type":"receipts_list","_reqId":"8","receipts":[],"next":$n2}
# everybody has it: it is gone
alice > {"type":"mesh_info","_reqId":"9"}
alice < {"type":"mesh_info_result","_reqId":"9","queued":0,...}
# the same send again is answered like the first
alice > {"type":"send","_reqId":"10","id":"message-0001","targetSpec":"@g","priority":"next",$c,"epoch":1}
alice < {"type":"ack","_reqId":"10","id":"message-0001","messageId":"message-0001","queued":true,"duplicate":true,
	"recipients":[{"targetSpec":"@g","receipt":"stored","at":*,"sessions":["$b1","$b2"]}]}
alice > {"type":"message_status","_reqId":"11","messageId":"message-0001"}
alice < {"type":"message_status_result","_reqId":"11","messageId":"message-0001","delivered":false,
	"recipients":[{"targetSpec":"@g","receipt":"stored","at":*,"sessions":["$b1","$b2"]}]}
quiet bob carl

test everybody, a tag, nobody, and an epoch that is over
mesh m owner alice
join bob m
peer alice
hello alice s1
peer bob
hello bob b1
event alice peer_joined b1
sealed c s1 @all message-0001 "all of you" low
alice > {"type":"send","_reqId":"1","id":"message-0001","targetSpec":"*","priority":"low",$c,"epoch":1}
alice < {"type":"ack","_reqId":"1","queued":true,"recipients":[{"targetSpec":"*","receipt":"stored","at":*,"sessions":[*,"$b1"]}],...}
bob < {"type":"push","messageId":"message-0001","targetSpec":"*","sessions":["$b1"],...}
# another session of alice's daemon, that is away
alice < {"type":"push","messageId":"message-0001","sessions":[*],...}
bob > {"type":"set_tags","_reqId":"2","tags":["repo=billing","lang=c"]}
bob < {"type":"ok","_reqId":"2"}
sealed d s1 tag:repo=billing message-0002 "who works on it" low
alice > {"type":"send","_reqId":"3","id":"message-0002","targetSpec":"tag:repo=billing","priority":"low",$d,"epoch":1}
alice < {"type":"ack","_reqId":"3","queued":true,...}
bob < {"type":"push","messageId":"message-0002","targetSpec":"tag:repo=billing",...}
opens bob m "who works on it"
alice > {"type":"list_peers","_reqId":"4"}
alice < {"type":"peers_list","_reqId":"4","peers":[*,{"tags":["repo=billing","lang=c"],...}]}
bob > {"type":"set_tags","_reqId":"5"}
bob < {"type":"ok","_reqId":"5"}
sealed e s1 tag:repo=billing message-0003 "nobody now"
alice > {"type":"send","_reqId":"6","id":"message-0003","targetSpec":"tag:repo=billing","priority":"low",$e,"epoch":1}
alice < {"type":"ack","_reqId":"6","id":"message-0003","messageId":"message-0003","queued":false,
	"recipients":[{"targetSpec":"tag:repo=billing","receipt":"empty","at":*}],"error":"nobody is there"}
alice > {"type":"send","_reqId":"7","id":"message-0004","targetSpec":"*","priority":"low",$c,"epoch":2}
alice < {"type":"error","_reqId":"7","code":"epoch_stale","message":*,"field":"epoch","id":"message-0004"}
alice > {"type":"send","_reqId":"8","id":"message-0004","targetSpec":"@a b","priority":"low",$c,"epoch":1}
alice < {"type":"error","_reqId":"8","code":"bad_field","message":*,"field":"targetSpec","id":"message-0004"}
# who hides is written to by its key alone
bob > {"type":"set_visible","_reqId":"9","visible":false}
bob < {"type":"ok","_reqId":"9"}
event alice peer_hidden b1
bob > {"type":"set_tags","_reqId":"11","tags":["a=b"]}
bob < {"type":"ok","_reqId":"11"}
sealed f s1 tag:a=b message-0005 "hello"
alice > {"type":"send","_reqId":"10","id":"message-0005","targetSpec":"tag:a=b","priority":"low",$f,"epoch":1}
alice < {"type":"ack","_reqId":"10","queued":false,...}
quiet bob

test a mixed list reaches each once
mesh m owner alice
join bob m
join carl m
peer alice
hello alice s1
peer bob
hello bob b1 with {"groups":[{"name":"g"},{"name":"h"},{"name":"i"}]}
event alice peer_joined b1 -> "groups":*
peer carl
hello carl c1 with {"groups":[{"name":"g"},{"name":"h"},{"name":"i"}]}
event alice peer_joined c1 -> "groups":*
event bob peer_joined c1 -> "groups":*
sealed c s1 @g message-0001 "x"
sealed d s1 b1 message-0001 "x"
sealed e s1 @h message-0001 "x"
alice > {"type":"send","_reqId":"1","id":"message-0001","targetSpec":"@g","priority":"next",$c,"epoch":1,"copies":[
	{"targetSpec":"$b1",$d},{"targetSpec":"@h",$e}]}
alice < {"type":"ack","_reqId":"1","queued":true,"recipients":[
	{"targetSpec":"@g","receipt":"stored","at":*,"sessions":["$c1"]},
	{"targetSpec":"$b1","receipt":"stored","at":*},
	{"targetSpec":"@h","receipt":"empty","at":*}],...}
bob < {"type":"push","_session":"$b1","targetSpec":"$b1",...}
carl < {"type":"push","targetSpec":"@g","sessions":["$c1"],...}
quiet bob carl
# a later frame of the same message knows the earlier one
sealed f s1 @i message-0001 "x"
alice > {"type":"send","_reqId":"2","id":"message-0001","targetSpec":"@i","priority":"next",$f,"epoch":1}
alice < {"type":"ack","_reqId":"2","queued":false,"recipients":[{"targetSpec":"@i","receipt":"empty","at":*}],...}
quiet bob carl

test who is away gets it later, in order with direct mail, and is restored
mesh m owner alice
join bob m
peer bob
hello bob b1 with {"groups":[{"name":"g","role":"lead"}],"summary":"reads","tags":["a=b"]}
drop bob
peer alice
hello alice s1
sealed c s1 b1 message-0001 "direct"
sealed d s1 @g message-0002 "group"
sealed e s1 bob message-0003 "member"
alice > {"type":"send","_reqId":"1","id":"message-0001","targetSpec":"$b1","priority":"next",$c}
alice < {"type":"ack","_reqId":"1","queued":true,...}
alice > {"type":"send","_reqId":"2","id":"message-0002","targetSpec":"@g","priority":"next",$d,"epoch":1}
alice < {"type":"ack","_reqId":"2","queued":true,"recipients":[{"sessions":["$b1"],...}],...}
alice > {"type":"send","_reqId":"3","id":"message-0003","targetSpec":"$bob","priority":"next",$e}
alice < {"type":"ack","_reqId":"3","queued":true,...}
alice > {"type":"list_groups","_reqId":"4"}
alice < {"type":"groups_list","_reqId":"4","groups":[{"name":"g","members":1,...}]}
peer bob
hello bob b1 -> {"type":"hello_ack","restoredGroups":[{"name":"g","role":"lead"}],"lastSummary":"reads",...}
bob < {"type":"push","messageId":"message-0001",...}
bob < {"type":"push","messageId":"message-0002","seq":$seq,"epoch":1,"sessions":["$b1"],...}
opens bob m "group"
bob < {"type":"push","messageId":"message-0003",...}
alice > {"type":"list_peers","_reqId":"5","group":"g"}
alice < {"type":"peers_list","_reqId":"5","peers":[{"pubkey":"$b1","summary":"reads","groups":[{"name":"g","role":"lead"}],"tags":["a=b"],...}]}
# what is said to be whole is not restored
close bob
drop alice
peer bob
hello bob b1 with {"whole":true} -> {"type":"hello_ack","restored":true,...}
bob << {"type":"push","messageId":"message-0003",...}
bob > {"type":"list_groups","_reqId":"6"}
bob < {"type":"groups_list","_reqId":"6","groups":[]}
