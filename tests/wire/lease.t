# Presence outlives a lost connection, and nothing else.

test lost and found again: nobody is told
mesh m owner alice
join bob m
peer alice
hello alice s1
peer bob
hello bob b1
event alice peer_joined b1
drop bob
quiet alice
alice > {"type":"list_peers","_reqId":"1"}
alice < {"type":"peers_list","_reqId":"1","peers":[{"pubkey":"$s1","online":true,...},
	{"pubkey":"$b1","lastSeenAt":"$t","online":false,"visible":true,...}]}
alice > {"type":"mesh_info","_reqId":"2"}
alice < {"type":"mesh_info_result","_reqId":"2","peers":2,...}
alice > {"type":"session_show","_reqId":"3","pubkey":"$b1"}
alice < {"type":"session_info","_reqId":"3","pubkey":"$b1","memberPubkey":"$bob","attestation":*,"online":true,"lastSeenAt":"$t"}
peer bob
hello bob b1 -> {"type":"hello_ack","restored":true,...}
quiet alice
alice > {"type":"list_peers","_reqId":"4"}
alice < {"type":"peers_list","_reqId":"4","peers":[{"pubkey":"$s1",...},{"pubkey":"$b1","memberPubkey":"$bob","displayName":"b1",
	"attestation":*,"status":"idle","connectedAt":*,"peerType":"ai","online":true,"visible":true}]}

test a lost one keeps what it said of itself; mail waits for it
mesh m owner alice
join bob m
peer alice
hello alice s1
peer bob
hello bob b1
event alice peer_joined b1
bob > {"type":"set_status","_reqId":"1","status":"dnd"}
bob < {"type":"ok","_reqId":"1"}
bob > {"type":"set_summary","_reqId":"2","summary":"in a tunnel"}
bob < {"type":"ok","_reqId":"2"}
drop bob
sealed c s1 b1 message-0001 "there?"
alice > {"type":"send","_reqId":"3","id":"message-0001","targetSpec":"$b1","priority":"next",$c}
alice < {"type":"ack","_reqId":"3","queued":true,...}
alice > {"type":"list_peers","_reqId":"4"}
alice < {"type":"peers_list","_reqId":"4","peers":[*,{"pubkey":"$b1","status":"dnd","summary":"in a tunnel","online":false,...}]}
peer bob
hello bob b1
bob < {"type":"push","_session":"$b1","messageId":"message-0001",...}
opens bob b1 "there?"

test closed in order is gone, whatever code but 1000 is lost
mesh m owner alice
join bob m
peer alice
hello alice s1
peer bob
hello bob b1
event alice peer_joined b1
hello bob b2 of bob
event alice peer_joined b2
close bob 1001
quiet alice
peer bob
hello bob b1
hello bob b2
quiet alice
close bob 1000
event alice peer_left b1
event alice peer_left b2

test a lost one is kicked, and finds out when it comes back
mesh m owner alice
join bob m
peer alice
hello alice s1
peer bob
hello bob b1
event alice peer_joined b1
drop bob
quiet alice
alice > {"type":"kick","_reqId":"1","target":"$b1"}
alice < {"type":"ok","_reqId":"1"}
event alice peer_left b1
peer bob
hello bob b1 -> {"type":"hello_ack","restored":true,"lastSeenAt":*,...}
event alice peer_returned b1 -> "restored":true,"lastSeenAt":*

test half a frame, and gone
mesh m owner alice
peer alice
hello alice s1
raw alice 81fe
drop alice
peer bob
hello bob s2 of alice daemon two
bob > {"type":"list_peers","_reqId":"1"}
bob < {"type":"peers_list","_reqId":"1","peers":[{"pubkey":"$s1","online":false,...},{"pubkey":"$s2",...}]}
