# Presence: who is here, and what they say of themselves.

test coming, going, returning
mesh m owner alice
join bob m
peer alice
hello alice s1
peer bob
hello bob b1 with {"sessionId":"x\"y"}
event alice peer_joined b1 -> "sessionId":"x\"y"
close bob
event alice peer_left b1 -> "sessionId":"x\"y"
peer bob
hello bob b1
event alice peer_returned b1 -> "restored":true,"lastSeenAt":*
quiet alice bob

test the list, and groups
mesh m owner alice
join bob m
peer alice
hello alice s1 with {"groups":[{"name":"ops"}]}
peer bob
hello bob b1 with {"groups":[{"name":"dev","role":"lead"},{"name":"ops"}]}
event alice peer_joined b1 -> "groups":[{"name":"dev","role":"lead"},{"name":"ops"}]
alice > {"type":"list_peers","_reqId":"1","group":"ops"}
alice < {"type":"peers_list","_reqId":"1","peers":[{"pubkey":"$s1",...},{"pubkey":"$b1",...}]}
alice > {"type":"list_peers","_reqId":"2","group":"dev"}
alice < {"type":"peers_list","_reqId":"2","peers":[{"pubkey":"$b1",...}]}
alice > {"type":"list_peers","_reqId":"3","group":"none"}
alice < {"type":"peers_list","_reqId":"3","peers":[]}
alice > {"type":"list_peers","_reqId":"4"}
alice < {"type":"peers_list","_reqId":"4","peers":[{"pubkey":"$s1",...},{"pubkey":"$b1",...}]}

test status and summary
mesh m owner alice
join bob m
peer alice
hello alice s1
peer bob
hello bob b1
event alice peer_joined b1
bob > {"type":"set_status","_reqId":"1","status":"working"}
bob < {"type":"ok","_reqId":"1"}
bob > {"type":"set_summary","_reqId":"2","summary":"line one\nand \u20ac"}
bob < {"type":"ok","_reqId":"2"}
alice > {"type":"list_peers","_reqId":"3"}
alice < {"type":"peers_list","_reqId":"3","peers":[*,{"pubkey":"$b1","status":"working","summary":"line one\nand €",...}]}
bob > {"type":"set_status","_reqId":"4","status":"busy"}
bob < {"type":"error","_reqId":"4","code":"bad_field","message":"*idle, working or dnd*","field":"status"}
bob > {"type":"set_summary","_reqId":"5","summary":""}
bob < {"type":"ok","_reqId":"5"}
bob > {"type":"set_summary","_reqId":"6","summary":"$long:513"}
bob < {"type":"error","_reqId":"6","code":"too_long","message":"*512*","field":"summary"}
alice > {"type":"list_peers","_reqId":"7"}
alice < {"type":"peers_list","_reqId":"7","peers":[*,{"pubkey":"$b1","memberPubkey":"$bob",
	"displayName":"b1","attestation":*,"status":"working","connectedAt":*,
	"peerType":"ai","online":true,"visible":true}]}

test hidden and shown
mesh m owner alice
join bob m
peer alice
hello alice s1
peer bob
hello bob b1
event alice peer_joined b1
peer bob2
hello bob2 b2 of bob daemon two with {"hidden":true}
# only its own member hears of a hidden one
event bob peer_joined b2
quiet alice
alice > {"type":"list_peers","_reqId":"1"}
alice < {"type":"peers_list","_reqId":"1","peers":[{"pubkey":"$s1",...},{"pubkey":"$b1",...}]}
bob > {"type":"list_peers","_reqId":"2"}
bob < {"type":"peers_list","_reqId":"2","peers":[*,*,{"pubkey":"$b2","visible":false,...}]}
bob2 > {"type":"set_visible","_reqId":"3","visible":true}
bob2 < {"type":"ok","_reqId":"3"}
event alice peer_visible b2
event bob peer_visible b2
# again: nothing changed, nobody is told
bob2 > {"type":"set_visible","_reqId":"4","visible":true}
bob2 < {"type":"ok","_reqId":"4"}
quiet alice bob
bob2 > {"type":"set_visible","_reqId":"5","visible":false}
bob2 < {"type":"ok","_reqId":"5"}
event alice peer_hidden b2
event bob peer_hidden b2
# mail still reaches it
sealed c s1 b2 message-0001 "psst"
alice > {"type":"send","_reqId":"6","id":"message-0001","targetSpec":"$b2","priority":"low",$c}
alice < {"type":"ack","_reqId":"6","queued":true,...}
bob2 < {"type":"push","_session":"$b2","targetSpec":"$b2",...}
bob2 > {"type":"session_end","_reqId":"7"}
bob2 < {"type":"ok","_reqId":"7"}
event bob peer_left b2
quiet alice
bob > {"type":"set_visible","_reqId":"8","visible":"yes"}
bob < {"type":"error","_reqId":"8","code":"bad_field","message":*,"field":"visible"}

test the profile: what is absent stays, and it outlives the session
mesh m owner alice
peer alice
hello alice s1
alice > {"type":"set_profile","_reqId":"1","avatar":"🦊","title":"Dr.","bio":"Reads \"everything\".","capabilities":["c","sql"]}
alice < {"type":"ok","_reqId":"1"}
alice > {"type":"set_profile","_reqId":"2","title":"Prof."}
alice < {"type":"ok","_reqId":"2"}
alice > {"type":"list_peers","_reqId":"3"}
alice < {"type":"peers_list","_reqId":"3","peers":[{"pubkey":"$s1","profile":{"avatar":"🦊","title":"Prof.","bio":"Reads \"everything\".","capabilities":["c","sql"]},...}]}
close alice
peer alice
hello alice s1
alice > {"type":"list_peers","_reqId":"4"}
alice < {"type":"peers_list","_reqId":"4","peers":[{"pubkey":"$s1","profile":{"avatar":"🦊","title":"Prof.","bio":*,"capabilities":*},...}]}
alice > {"type":"set_profile","_reqId":"5","bio":"$long:1025"}
alice < {"type":"error","_reqId":"5","code":"too_long","message":*,"field":"bio"}
alice > {"type":"set_profile","_reqId":"6","capabilities":[1]}
alice < {"type":"error","_reqId":"6","code":"bad_field","message":*,"field":"capabilities[0]"}

test kick
mesh m owner alice
join bob m
join carl m admin
peer alice
hello alice s1
peer bob
hello bob b1
event alice peer_joined b1
bob > {"type":"kick","_reqId":"1","target":"$s1"}
bob < {"type":"error","_reqId":"1","code":"forbidden","message":*}
alice > {"type":"kick","_reqId":"2","target":"$b1"}
alice < {"type":"ok","_reqId":"2"}
event alice peer_left b1
bob < {"type":"session_ended","_session":"$b1","pubkey":"$b1","reason":"kicked","by":"s1"}
bob > {"type":"mesh_info","_reqId":"3"}
bob < {"type":"error","_reqId":"3","code":"no_hello","message":*}
alice > {"type":"kick","_reqId":"4","target":"$b1"}
alice < {"type":"error","_reqId":"4","code":"no_peer","message":*,"field":"target"}
# it may come back
hello bob b1
event alice peer_returned b1 -> "restored":true,"lastSeenAt":*
# an admin who is not the owner may kick, too
peer carl
hello carl c1
event alice peer_joined c1
event bob peer_joined c1
carl > {"type":"kick","_reqId":"5","target":"$s1"}
carl < {"type":"ok","_reqId":"5"}
alice < {"type":"session_ended","_session":"$s1","pubkey":"$s1","reason":"kicked","by":"c1"}
event carl peer_left s1
event bob peer_left s1

test numbers of what a session did, kept with it
mesh m owner alice
join bob m
peer alice
hello alice s1
peer bob
hello bob b1
event alice peer_joined b1
bob > {"type":"set_stats","_reqId":"1","stats":{"messagesIn":3,"toolCalls":7,"other":1}}
bob < {"type":"ok","_reqId":"1"}
bob > {"type":"set_stats","_reqId":"2","stats":{"errors":-1}}
bob < {"type":"error","_reqId":"2","code":"out_of_range","message":*,"field":"stats.errors"}
close bob
event alice peer_left b1
peer bob
hello bob b1 -> {"type":"hello_ack","restored":true,"restoredStats":{"messagesIn":3,"toolCalls":7},...}
event alice peer_returned b1 -> "restored":true,"lastSeenAt":*
alice > {"type":"list_peers","_reqId":"3"}
alice < {"type":"peers_list","_reqId":"3","peers":[*,{"pubkey":"$b1","stats":{"messagesIn":3,"toolCalls":7},...}]}
