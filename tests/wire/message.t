# Direct messages: sent, pushed, acknowledged, receipted.

test sent, stored, pushed, opened, acknowledged
mesh m owner alice
join bob m
peer alice
hello alice s1
peer bob
hello bob b1
event alice peer_joined b1
sealed c s1 b1 message-0001 "hello \u00e9"
alice > {"type":"send","_reqId":"1","id":"message-0001","targetSpec":"$b1","priority":"next",$c}
alice < {"type":"ack","_reqId":"1","id":"message-0001","messageId":"message-0001","queued":true,
	"recipients":[{"targetSpec":"$b1","receipt":"stored","at":"$at"}]}
bob < {"type":"push","_session":"$b1","messageId":"message-0001","meshId":"$m","seq":$seq,
	"senderPubkey":"$s1","senderMemberPubkey":"$alice","senderName":"s1","targetSpec":"$b1",
	"priority":"next",$c,"createdAt":"$at"}
opens bob b1 "hello \u00e9"
alice > {"type":"message_status","_reqId":"2","messageId":"message-0001"}
alice < {"type":"message_status_result","_reqId":"2","messageId":"message-0001","delivered":false,
	"recipients":[{"targetSpec":"$b1","receipt":"stored","at":"$at"}]}
sign r receipt b1 {"mesh":"$m","from":"$s1","by":"$b1","rung":"delivered","ids":["message-0001"],"at":"$now"}
bob > {"type":"client_ack","_reqId":"3","cursor":{"history":"$b1.history","seq":$seq},"receipts":["$r"]}
bob < {"type":"ok","_reqId":"3"}
alice < {"type":"receipt","_session":"$s1","doc":"$r"}
alice > {"type":"message_status","_reqId":"4","messageId":"message-0001"}
alice < {"type":"message_status_result","_reqId":"4","messageId":"message-0001","delivered":true,"deliveredAt":"$t",
	"recipients":[{"targetSpec":"$b1","receipt":"delivered","at":"$t","doc":"$r"}]}
alice > {"type":"mesh_info","_reqId":"5"}
alice < {"type":"mesh_info_result","_reqId":"5","queued":0,"peers":2,"members":2,...}

test without a _reqId it is answered without one
mesh m owner alice
peer alice
hello alice s1
sealed c s1 s1 message-0001 "me"
alice > {"type":"send","id":"message-0001","targetSpec":"$s1","priority":"next",$c}
alice < {"type":"ack","id":"message-0001","messageId":"message-0001","queued":true,"recipients":[*]}
alice < {"type":"push","messageId":"message-0001","_session":"$s1",...}
opens alice s1 "me"
alice > {"type":"send","id":"message-0002"}
alice < {"type":"error","code":"missing_field","message":*,"field":"*","id":"message-0002"}

test the same id again is answered with how far it came
mesh m owner alice
join bob m
peer alice
hello alice s1
peer bob
hello bob b1
event alice peer_joined b1
sealed c s1 b1 message-0001 "once"
alice > {"type":"send","_reqId":"1","id":"message-0001","targetSpec":"$b1","priority":"next",$c}
alice > {"type":"send","_reqId":"2","id":"message-0001","targetSpec":"$b1","priority":"next",$c}
alice < {"type":"ack","_reqId":"1","id":"message-0001","messageId":"message-0001","queued":true,"recipients":[*]}
alice < {"type":"ack","_reqId":"2","id":"message-0001","messageId":"message-0001","queued":true,"duplicate":true,
	"recipients":[{"targetSpec":"$b1","receipt":"stored","at":*}]}
bob < {"type":"push","messageId":"message-0001",...}
quiet bob
sign r receipt b1 {"mesh":"$m","from":"$s1","by":"$b1","rung":"surfaced","reason":"shown","ids":["message-0001"],"at":"$now"}
bob > {"type":"client_ack","_reqId":"3","receipts":["$r"]}
bob < {"type":"ok","_reqId":"3"}
alice < {"type":"receipt","doc":"$r",...}
alice > {"type":"send","_reqId":"4","id":"message-0001","targetSpec":"$b1","priority":"next",$c}
alice < {"type":"ack","_reqId":"4","id":"message-0001","messageId":"message-0001","queued":true,"duplicate":true,
	"recipients":[{"targetSpec":"$b1","receipt":"surfaced","reason":"shown","at":*,"doc":"$r"}]}
quiet bob
# the same id of another session is another message
hello alice s2 of alice
event bob peer_joined s2
sealed d s2 b1 message-0001 "other"
alice > {"type":"send","_reqId":"5","_session":"$s2","id":"message-0001","targetSpec":"$b1","priority":"next",$d}
alice < {"type":"ack","_reqId":"5","id":"message-0001","messageId":"message-0001","queued":true,"recipients":[*]}
bob < {"type":"push","messageId":"message-0001","senderPubkey":"$s2",$d,...}
opens bob b1 "other"
# and to another target it is another copy of the same message
sealed e s1 s2 message-0001 "once"
alice > {"type":"send","_reqId":"6","id":"message-0001","targetSpec":"$s2","priority":"next",$e}
alice < {"type":"ack","_reqId":"6","id":"message-0001","messageId":"message-0001","queued":true,"recipients":[{"targetSpec":"$s2","receipt":"stored","at":*}]}
alice < {"type":"push","_session":"$s2","messageId":"message-0001","senderPubkey":"$s1",...}
alice > {"type":"message_status","_reqId":"7","messageId":"message-0001"}
alice < {"type":"message_status_result","_reqId":"7","messageId":"message-0001","delivered":false,"recipients":[*,*]}

test copies, and targets that are refused one by one
mesh m owner alice
mesh n owner carol
join bob m
peer carol
hello carol c1
peer alice
hello alice s1
peer bob
hello bob b1
event alice peer_joined b1
key nobody
sealed c s1 b1 message-0001 "to all"
sealed d s1 bob message-0001 "to all" now
alice > {"type":"send","_reqId":"1","id":"message-0001","targetSpec":"$b1","priority":"now",$c,"copies":[
	{"targetSpec":"$nobody","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","ciphertext":"AAAA"},
	{"targetSpec":"$c1","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","ciphertext":"AAAA"},
	{"targetSpec":"$carol","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","ciphertext":"AAAA"},
	{"targetSpec":"#everyone","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","ciphertext":"AAAA"},
	{"targetSpec":"$bob",$d}]}
alice < {"type":"ack","_reqId":"1","id":"message-0001","messageId":"message-0001","queued":true,"recipients":[
	{"targetSpec":"$b1","receipt":"stored","at":*},
	{"targetSpec":"$nobody","receipt":"refused","reason":"no such peer","at":*},
	{"targetSpec":"$c1","receipt":"refused","reason":"no such peer","at":*},
	{"targetSpec":"$carol","receipt":"refused","reason":"no such peer","at":*},
	{"targetSpec":"#everyone","receipt":"refused","reason":"no such peer","at":*},
	{"targetSpec":"$bob","receipt":"stored","at":*}]}
# the member's copy is for its home session, or for the only one there is
bob < {"type":"push","_session":"$b1","targetSpec":"$b1","seq":$one,...}
bob < {"type":"push","_session":"$b1","targetSpec":"$bob","seq":$two,...}
opens bob bob "to all"
quiet carol
alice > {"type":"message_status","_reqId":"2","messageId":"message-0001"}
alice < {"type":"message_status_result","_reqId":"2","messageId":"message-0001","delivered":false,"recipients":[*,*]}
# when no copy is stored, that is said
alice > {"type":"send","_reqId":"3","id":"message-0002","targetSpec":"$nobody","priority":"now",$c}
alice < {"type":"ack","_reqId":"3","id":"message-0002","messageId":"message-0002","queued":false,
	"recipients":[{"targetSpec":"$nobody","receipt":"refused","reason":"no such peer","at":*}],"error":"no such peer"}
alice > {"type":"message_status","_reqId":"4","messageId":"message-0002"}
alice < {"type":"error","_reqId":"4","code":"not_found","message":*,"field":"messageId"}

test what a send may not say
mesh m owner alice
peer alice
hello alice s1
sealed c s1 s1 message-0001 "x"
alice > {"type":"send","_reqId":"1","id":"message 0001","targetSpec":"$s1","priority":"now",$c}
alice < {"type":"error","_reqId":"1","code":"bad_field","message":*,"field":"id","id":"message 0001"}
alice > {"type":"send","_reqId":"2","id":"message-0001","targetSpec":"$s1","priority":"soon",$c}
alice < {"type":"error","_reqId":"2","code":"bad_field","message":*,"field":"priority","id":"message-0001"}
alice > {"type":"send","_reqId":"3","id":"message-0001","targetSpec":"$s1","priority":"low","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA!!","ciphertext":"AAAA"}
alice < {"type":"error","_reqId":"3","code":"bad_field","message":*,"field":"ciphertext","id":"message-0001"}
alice > {"type":"send","_reqId":"4","id":"message-0001","targetSpec":"$s1","priority":"low",$c,"copies":[{"targetSpec":"$s1","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","ciphertext":"\u00e9"}]}
alice < {"type":"error","_reqId":"4","code":"bad_field","message":*,"field":"copies[0].ciphertext","id":"message-0001"}
alice > {"type":"message_status","_reqId":"5","messageId":"message-0001"}
alice < {"type":"error","_reqId":"5","code":"not_found","message":*,"field":"messageId"}

test mail to the member reaches all its machines, also one that comes later
mesh m owner alice
join bob m
peer alice
hello alice s1
peer one
hello one b1 of bob daemon one
event alice peer_joined b1
sealed c s1 bob message-0001 "to bob" low
alice > {"type":"send","_reqId":"1","id":"message-0001","targetSpec":"$bob","priority":"low",$c}
alice < {"type":"ack","_reqId":"1","queued":true,...}
one < {"type":"push","_session":"$b1","seq":$seq,"targetSpec":"$bob",$c,...}
opens one bob "to bob"
one > {"type":"client_ack","_reqId":"2","cursor":{"history":"$b1.history","seq":$seq}}
one < {"type":"ok","_reqId":"2"}
peer two
hello two b2 of bob daemon two
event alice peer_joined b2
event one peer_joined b2
two < {"type":"push","_session":"$b2","seq":$seq,"targetSpec":"$bob",$c,...}
hello two b3 of bob daemon two with {"home":true}
event alice peer_joined b3
event one peer_joined b3
sealed d s1 bob message-0002 "again"
alice > {"type":"send","_reqId":"3","id":"message-0002","targetSpec":"$bob","priority":"low",$d}
alice < {"type":"ack","_reqId":"3","queued":true,...}
one < {"type":"push","_session":"$b1","messageId":"message-0002",...}
two < {"type":"push","_session":"$b3","messageId":"message-0002",...}
# of two machines any may answer for the member
sign r receipt b2 {"mesh":"$m","from":"$s1","by":"$b2","rung":"delivered","ids":["message-0001","message-0002"],"at":"$now"}
two > {"type":"client_ack","_reqId":"4","receipts":["$r"]}
two < {"type":"ok","_reqId":"4"}
alice < {"type":"receipt","_session":"$s1","doc":"$r"}

test receipts: only upwards, only by whom it was for, only of what was sent
mesh m owner alice
join bob m
join carl m
peer alice
hello alice s1
peer bob
hello bob b1
event alice peer_joined b1
peer carl
hello carl c1
event alice peer_joined c1
event bob peer_joined c1
sealed c s1 b1 message-0001 "x"
alice > {"type":"send","_reqId":"1","id":"message-0001","targetSpec":"$b1","priority":"now",$c}
alice < {"type":"ack","_reqId":"1","queued":true,...}
bob < {"type":"push","messageId":"message-0001",...}
# carl has no say, whoever he says he is
sign r receipt c1 {"mesh":"$m","from":"$s1","by":"$c1","rung":"delivered","ids":["message-0001"],"at":"$now"}
carl > {"type":"client_ack","_reqId":"2","receipts":["$r"]}
carl < {"type":"ok","_reqId":"2"}
sign r receipt c1 {"mesh":"$m","from":"$s1","by":"$b1","rung":"delivered","ids":["message-0001"],"at":"$now"}
carl > {"type":"client_ack","_reqId":"3","receipts":["$r"]}
carl < {"type":"error","_reqId":"3","code":"forbidden","message":*,"field":"receipts.by"}
bob > {"type":"client_ack","_reqId":"4","receipts":["$r"]}
bob < {"type":"error","_reqId":"4","code":"bad_signature",...}
quiet alice
# other meshes' and other words are no receipts
sign r receipt b1 {"mesh":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","from":"$s1","by":"$b1","rung":"delivered","ids":["message-0001"],"at":"$now"}
bob > {"type":"client_ack","_reqId":"5","receipts":["$r"]}
bob < {"type":"error","_reqId":"5","code":"bad_field",...}
sign r receipt b1 {"mesh":"$m","from":"$s1","by":"$b1","rung":"stored","ids":["message-0001"],"at":"$now"}
bob > {"type":"client_ack","_reqId":"6","receipts":["$r"]}
bob < {"type":"error","_reqId":"6","code":"bad_field","message":*,"field":"receipts.rung"}
bob > {"type":"client_ack","_reqId":"7","receipts":["nonsense"]}
bob < {"type":"error","_reqId":"7","code":"cannot_open",...}
# held, then delivered, then in_context; surfaced comes too late
sign h receipt b1 {"mesh":"$m","from":"$s1","by":"$b1","rung":"held","reason":"policy","ids":["message-0001"],"at":"$now"}
sign d receipt b1 {"mesh":"$m","from":"$s1","by":"$b1","rung":"delivered","ids":["message-0001"],"at":"$now"}
sign x receipt b1 {"mesh":"$m","from":"$s1","by":"$b1","rung":"in_context","ids":["message-0001","message-9999"],"at":"$now"}
sign s receipt b1 {"mesh":"$m","from":"$s1","by":"$b1","rung":"surfaced","ids":["message-0001"],"at":"$now"}
sign a receipt b1 {"mesh":"$m","from":"$s1","by":"$b1","rung":"answered","ids":["message-0001"],"at":"$now"}
bob > {"type":"client_ack","_reqId":"8","receipts":["$h","$d"]}
bob < {"type":"ok","_reqId":"8"}
alice < {"type":"receipt","doc":"$h",...}
alice < {"type":"receipt","doc":"$d",...}
bob > {"type":"client_ack","_reqId":"9","receipts":["$x","$s"]}
bob < {"type":"ok","_reqId":"9"}
alice < {"type":"receipt","doc":"$x",...}
# the same again says nothing new
bob > {"type":"client_ack","_reqId":"10","receipts":["$x"]}
bob < {"type":"ok","_reqId":"10"}
quiet alice
alice > {"type":"message_status","_reqId":"11","messageId":"message-0001"}
alice < {"type":"message_status_result","_reqId":"11","messageId":"message-0001","delivered":true,"deliveredAt":*,
	"recipients":[{"targetSpec":"$b1","receipt":"in_context","at":*,"doc":"$x"}]}
bob > {"type":"client_ack","_reqId":"12","receipts":["$a"]}
bob < {"type":"ok","_reqId":"12"}
alice < {"type":"receipt","doc":"$a",...}
# only the session that sent it may ask
bob > {"type":"message_status","_reqId":"13","messageId":"message-0001"}
bob < {"type":"error","_reqId":"13","code":"not_found","message":*,"field":"messageId"}

test a receipt waits for a sender who is away
mesh m owner alice
join bob m
peer alice
hello alice s1
sealed c s1 bob message-0001 "x"
alice > {"type":"send","_reqId":"1","id":"message-0001","targetSpec":"$bob","priority":"now",$c}
alice < {"type":"ack","_reqId":"1","queued":true,...}
drop alice
peer bob
hello bob b1
bob < {"type":"push","messageId":"message-0001","seq":$seq,"senderPubkey":"$s1",...}
sign r receipt b1 {"mesh":"$m","from":"$s1","by":"$b1","rung":"delivered","ids":["message-0001"],"at":"$now"}
bob > {"type":"client_ack","_reqId":"2","cursor":{"history":"$b1.history","seq":$seq},"receipts":["$r"]}
bob < {"type":"ok","_reqId":"2"}
peer alice
hello alice s1
alice > {"type":"message_status","_reqId":"3","messageId":"message-0001"}
alice < {"type":"message_status_result","_reqId":"3","delivered":true,"recipients":[{"targetSpec":"$bob","receipt":"delivered","at":*,"doc":"$r"}],...}

test mail for a session that is away, and for one that was revoked
mesh m owner alice
join bob m
peer bob
hello bob b1
hello bob b2 of bob
close bob
peer alice
hello alice s1
sealed c s1 b1 message-0001 "later"
alice > {"type":"send","_reqId":"1","id":"message-0001","targetSpec":"$b1","priority":"now",$c}
alice < {"type":"ack","_reqId":"1","queued":true,...}
act a m m.owner {"kind":"session_revoke","member":"$bob","session":"$b2"}
alice > {"type":"roll_append","_reqId":"2","act":"$a"}
alice < {"type":"roll_appended","_reqId":"2","roll":*}
alice < {"type":"roll_changed","meshId":"$m","roll":*}
sealed d s1 b2 message-0002 "never"
alice > {"type":"send","_reqId":"3","id":"message-0002","targetSpec":"$b2","priority":"now",$d}
alice < {"type":"ack","_reqId":"3","queued":false,"error":"no such peer",...}
peer bob
# any session of the daemon lets its mail flow
hello bob b3 of bob
event alice peer_joined b3
bob < {"type":"push","_session":"$b1","messageId":"message-0001",...}
hello bob b2 of bob -> {"type":"error","code":"revoked","field":"sessionPubkey",...}
