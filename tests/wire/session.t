# How a connection begins, and the sessions that speak on it.

test the first frame is the challenge
dial x sub claudemesh.2
x < {"type":"challenge","nonce":"$n","version":"$v","logKey":"$k","now":"*Z","create":true}
dial y sub claudemesh.2
y < {"type":"challenge","nonce":"$n2","version":"$v","logKey":"$k","now":*,"create":true}
differ $n $n2

test a hello, and all that may stand in it
mesh m owner alice
peer alice
hello alice s1 -> {"type":"hello_ack","_reqId":"hello","presenceId":*,
	"memberDisplayName":"alice","sessionPubkey":"$s1",
	"roll":{"n":2,"head":"*"},"cursor":{"history":"$h","seq":0}}
peer bob
hello bob s2 of alice daemon other with {"sessionId":"id-2","pid":42,"cwd":"/src/\u00e9",
	"hostname":"box","peerType":"human","channel":"codex","model":"big","role":"reviewer",
	"groups":[{"name":"g1"},{"name":"g2","role":"lead"}],"status":"dnd",
	"summary":"reads","home":true,"capabilities":["x"],"_reqId":null,
	"cursor":{"history":"$h","seq":0},"unknown":[1,{}]}
	-> {"type":"hello_ack","presenceId":"$p2","memberDisplayName":"alice",
	"sessionPubkey":"$s2","roll":*,"cursor":{"history":"$h","seq":0}}
event alice peer_joined s2 -> "sessionId":"id-2","groups":[{"name":"g1"},{"name":"g2","role":"lead"}]
bob > {"type":"list_peers","_reqId":"1"}
bob < {"type":"peers_list","_reqId":"1","peers":[
	{"pubkey":"$s1","memberPubkey":"$alice","displayName":"s1","attestation":*,
	 "status":"idle","connectedAt":*,"peerType":"ai","online":true,"visible":true},
	{"pubkey":"$s2","memberPubkey":"$alice","displayName":"s2","attestation":"$_att",
	 "status":"dnd","role":"reviewer","summary":"reads",
	 "groups":[{"name":"g1"},{"name":"g2","role":"lead"}],"sessionId":"id-2",
	 "connectedAt":*,"cwd":"/src/\u00e9","pid":42,"hostname":"box","peerType":"human",
	 "channel":"codex","model":"big","online":true,"visible":true,"home":true}]}

test two sessions on one connection
mesh m owner alice
join bob m
peer watch
hello watch w of bob
peer alice
hello alice s1
hello alice s2 of alice
event watch peer_joined s1
event watch peer_joined s2
alice > {"type":"mesh_info","_reqId":"1"}
alice < {"type":"mesh_info_result","_reqId":"1","yourName":"s1","peers":3,...}
alice > {"type":"mesh_info","_reqId":"2","_session":"$s2"}
alice < {"type":"mesh_info_result","_reqId":"2","yourName":"s2",...}
alice > {"type":"mesh_info","_reqId":"3","_session":"$w"}
alice < {"type":"error","_reqId":"3","code":"no_session","message":*,"field":"_session"}
# the first one ends, and the next one speaks when nobody is named
alice > {"type":"session_end","_reqId":"4"}
alice < {"type":"ok","_reqId":"4"}
event watch peer_left s1
alice > {"type":"mesh_info","_reqId":"5"}
alice < {"type":"mesh_info_result","_reqId":"5","yourName":"s2","peers":2,...}
alice > {"type":"session_end","_reqId":"6","_session":"$s1"}
alice < {"type":"error","_reqId":"6","code":"no_session","message":*,"field":"_session"}
alice > {"type":"session_end","_reqId":"7","_session":"$s2"}
alice < {"type":"ok","_reqId":"7"}
event watch peer_left s2
alice > {"type":"session_end","_reqId":"8","_session":"$s2"}
alice < {"type":"error","_reqId":"8","code":"no_hello","message":*}

test sessions of two meshes on one connection
mesh m owner alice
mesh n owner carol
peer x
hello x s1 of alice
hello x s2 of carol
x > {"type":"mesh_info","_reqId":"1","_session":"$s2"}
x < {"type":"mesh_info_result","_reqId":"1","mesh":"$n","name":"n","peers":1,"members":1,"queued":0,"roll":*,"yourName":"s2"}
x > {"type":"mesh_info","_reqId":"2","_session":"$s1"}
x < {"type":"mesh_info_result","_reqId":"2","mesh":"$m","name":"m","peers":1,"members":1,"queued":0,"roll":*,"yourName":"s1"}

test hello again where it is open, and on another connection
mesh m owner alice
join bob m
peer watch
hello watch w of bob
peer a1
hello a1 s1 of alice
event watch peer_joined s1
hello a1 s1 with {"status":"working"} -> {"type":"hello_ack","restored":true,"lastSeenAt":*,...}
a1 > {"type":"list_peers","_reqId":"1"}
a1 < {"type":"peers_list","_reqId":"1","peers":[{"pubkey":"$w",...},{"pubkey":"$s1","status":"working",...}]}
peer a2
hello a2 s1 -> {"type":"hello_ack","restored":true,"lastSeenAt":*,...}
a1 < {"type":"session_ended","_session":"$s1","pubkey":"$s1","reason":"replaced"}
a1 > {"type":"mesh_info","_reqId":"2"}
a1 < {"type":"error","_reqId":"2","code":"no_hello","message":*}
a2 > {"type":"mesh_info","_reqId":"3"}
a2 < {"type":"mesh_info_result","_reqId":"3","yourName":"s1","peers":2,...}

test the proof is for this broker, connection, mesh, member and session
mesh m owner alice
peer x
hello x s0 of alice
hello x s1 of alice proof {"url":"wss://elsewhere.example/ws"} -> {"type":"error","_reqId":"hello","code":"wrong_url","message":"*elsewhere.example*","field":"proof.url"}
hello x s1 proof {"url":"$http"} -> {"type":"error","_reqId":"hello","code":"wrong_url","message":*,"field":"proof.url"}
hello x s1 proof {"challenge":"0000000000000000000000000000000000000000000000000000000000000000"} -> {"type":"error","_reqId":"hello","code":"bad_signature","message":*,"field":"proof.challenge"}
peer y
hello x s1 proof {"challenge":"$y.nonce"} -> {"type":"error","_reqId":"hello","code":"bad_signature","message":*,"field":"proof.challenge"}
key k
hello x s1 proved k -> {"type":"error","_reqId":"hello","code":"bad_signature","message":*,"field":"proof"}
hello x s1 proved alice -> {"type":"error","_reqId":"hello","code":"bad_signature","message":*,"field":"proof"}
hello x s1 proof {"session":"$k"} -> {"type":"error","_reqId":"hello","code":"bad_signature","message":*,"field":"proof"}
hello x s1 proof {"member":"$k"} -> {"type":"error","_reqId":"hello","code":"bad_signature","message":*,"field":"proof"}
hello x s1 proof {"mesh":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"} -> {"type":"error","_reqId":"hello","code":"bad_signature","message":*,"field":"proof"}
hello x s1 proof {"challenge":null} -> {"type":"error","_reqId":"hello","code":"bad_field","message":*,"field":"proof"}
hello x s1 with {"proof":"????"} -> {"type":"error","_reqId":"hello","code":"bad_field","message":*,"field":"proof"}
# a document of another kind, rightly signed, is no proof
sign z attest s1 {"url":"$url","mesh":"$m","member":"$alice","session":"$s1","challenge":"$x.nonce"}
hello x s1 with {"proof":"$z"} -> {"type":"error","_reqId":"hello","code":"bad_signature","message":*,"field":"proof"}
# none of that opened a session
x > {"type":"mesh_info","_reqId":"1","_session":"$s1"}
x < {"type":"error","_reqId":"1","code":"no_session","message":*,"field":"_session"}
hello x s1

test the attestation is by this member, for this session, and in time
mesh m owner alice
mesh n owner carol
join bob m
peer x
hello x s0 of alice
hello x s1 of alice attested bob -> {"type":"error","_reqId":"hello","code":"bad_signature","message":*,"field":"attestation"}
hello x s1 attested m.owner -> {"type":"error","_reqId":"hello","code":"bad_signature","message":*,"field":"attestation"}
hello x s1 attested s1 -> {"type":"error","_reqId":"hello","code":"bad_signature","message":*,"field":"attestation"}
hello x s1 attest {"member":"$bob"} -> {"type":"error","_reqId":"hello","code":"bad_attestation","message":*,"field":"attestation"}
hello x s1 attest {"session":"$s0"} -> {"type":"error","_reqId":"hello","code":"bad_attestation","message":*,"field":"attestation"}
hello x s1 attest {"mesh":"$n"} -> {"type":"error","_reqId":"hello","code":"bad_attestation","message":*,"field":"attestation"}
hello x s1 attest {"expiresAt":"$now-1s","issuedAt":"$now-1h"} -> {"type":"error","_reqId":"hello","code":"expired","message":*,"field":"attestation.expiresAt"}
hello x s1 attest {"expiresAt":"$now+25h"} -> {"type":"error","_reqId":"hello","code":"bad_attestation","message":*,"field":"attestation.expiresAt"}
hello x s1 attest {"expiresAt":"$now+7h","issuedAt":"$now+6h"} -> {"type":"error","_reqId":"hello","code":"bad_attestation","message":*,"field":"attestation.issuedAt"}
hello x s1 attest {"name":"System"} -> {"type":"error","_reqId":"hello","code":"bad_attestation","message":*,"field":"attestation.name"}
hello x s1 attest {"name":" s1"} -> {"type":"error","_reqId":"hello","code":"bad_attestation","message":*,"field":"attestation.name"}
hello x s1 attest {"name":"a\u202eb"} -> {"type":"error","_reqId":"hello","code":"bad_attestation","message":*,"field":"attestation.name"}
hello x s1 attest {"name":"a\nb"} -> {"type":"error","_reqId":"hello","code":"bad_attestation","message":*,"field":"attestation.name"}
hello x s1 attest {"name":"$long:65"} -> {"type":"error","_reqId":"hello","code":"bad_attestation","message":*,"field":"attestation"}
hello x s1 attest {"name":null} -> {"type":"error","_reqId":"hello","code":"bad_attestation","message":*,"field":"attestation"}
hello x s1 with {"attestation":"$_proof"} -> {"type":"error","_reqId":"hello","code":"bad_signature","message":*,"field":"attestation"}
hello x s1 attest {"expiresAt":"$now+24h"}

test who is no member
mesh m owner alice
mesh n owner carol
peer x
hello x s0 of alice
hello x s1 of carol with {"meshId":"$m"} -> {"type":"error","_reqId":"hello","code":"not_member","message":*,"field":"memberPubkey"}
hello x s1 with {"memberPubkey":"$alice"} -> {"type":"error","_reqId":"hello","code":"not_member","message":*,"field":"memberPubkey"}
hello x s1 with {"meshId":"$m","memberPubkey":"$alice"} -> {"type":"error","_reqId":"hello","code":"bad_signature","message":*,"field":"proof"}
hello x s1 with {"meshId":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"} -> {"type":"error","_reqId":"hello","code":"no_mesh","message":*,"field":"meshId"}
hello x s1 with {"meshId":"!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!"} -> {"type":"error","_reqId":"hello","code":"no_mesh","message":*,"field":"meshId"}
hello x s1 with {"memberPubkey":"$long:64"} -> {"type":"error","_reqId":"hello","code":"bad_field","message":*,"field":"memberPubkey"}
hello x s1 with {"sessionPubkey":"0000000000000000000000000000000000000000000000000000000000000000"} -> {"type":"error","_reqId":"hello","code":"bad_field","message":*,"field":"sessionPubkey"}
hello x s1 with {"daemonId":"has a space, which no id has"} -> {"type":"error","_reqId":"hello","code":"bad_field","message":*,"field":"daemonId"}
hello x s1 with {"status":"asleep"} -> {"type":"error","_reqId":"hello","code":"bad_field","message":*,"field":"status"}
# the owner key is no member
hello x s1 with {"meshId":"$m","memberPubkey":"$m.owner"} -> {"type":"error","_reqId":"hello","code":"not_member","message":*,"field":"memberPubkey"}
x > {"type":"mesh_info","_reqId":"1","_session":"$s1"}
x < {"type":"error","_reqId":"1","code":"no_session","message":*,"field":"_session"}

test a session key belongs to the member that had it first
mesh m owner alice
join bob m
peer alice
hello alice s1
peer bob
hello bob b1
event alice peer_joined b1
# bob attests alice's session key, and even holds its seed
sign a attest bob {"mesh":"$m","member":"$bob","session":"$s1","name":"s1","issuedAt":"$now","expiresAt":"$now+1h"}
sign p hello s1 {"url":"$url","mesh":"$m","member":"$bob","session":"$s1","challenge":"$bob.nonce"}
bob > {"type":"session_hello","_reqId":"1","meshId":"$m","memberPubkey":"$bob","sessionPubkey":"$s1","attestation":"$a","proof":"$p","daemonId":"daemon-of-bob-0001"}
bob < {"type":"error","_reqId":"1","code":"forbidden","message":*,"field":"sessionPubkey"}
# and a member key is no session key
sign a attest bob {"mesh":"$m","member":"$bob","session":"$alice","name":"s1","issuedAt":"$now","expiresAt":"$now+1h"}
sign p hello alice {"url":"$url","mesh":"$m","member":"$bob","session":"$alice","challenge":"$bob.nonce"}
bob > {"type":"session_hello","_reqId":"2","meshId":"$m","memberPubkey":"$bob","sessionPubkey":"$alice","attestation":"$a","proof":"$p","daemonId":"daemon-of-bob-0001"}
bob < {"type":"error","_reqId":"2","code":"bad_field","message":*,"field":"sessionPubkey"}

test five failed proofs, and the connection is closed
mesh m owner alice
peer x
key k
repeat 5 hello x s1 of alice proved k -> {"type":"error","_reqId":"hello","code":"bad_signature","message":*,"field":"proof"}
expect-close x 1008 "proofs"

test twenty open requests before a hello, and the connection is closed
mesh m owner alice
peer x
repeat 20 x > {"type":"roll_get","_reqId":"r$i","meshId":"$m","from":0}
repeat 20 x < {"type":"error","_reqId":"r$i","code":"forbidden","message":*}
x > {"type":"roll_get","_reqId":"one","meshId":"$m","from":0}
x < {"type":"error","_reqId":"one","code":"rate_limited","message":*}
expect-close x 1008

test the attestation is renewed
mesh m owner alice
join bob m
peer bob
hello bob b1
peer alice
hello alice s1 attest {"expiresAt":"$now+2m"}
event bob peer_joined s1
sign a attest alice {"mesh":"$m","member":"$alice","session":"$s1","name":"newname","issuedAt":"$now","expiresAt":"$now+12h"}
alice > {"type":"attest","_reqId":"1","attestation":"$a"}
alice < {"type":"ok","_reqId":"1"}
bob > {"type":"session_show","_reqId":"2","pubkey":"$s1"}
bob < {"type":"session_info","_reqId":"2","pubkey":"$s1","memberPubkey":"$alice","attestation":"$a","online":true,"lastSeenAt":*}
bob > {"type":"list_peers","_reqId":"3"}
bob < {"type":"peers_list","_reqId":"3","peers":[{"pubkey":"$b1",...},{"pubkey":"$s1","displayName":"newname","attestation":"$a",...}]}
# not by somebody else, not for another session, not one that ran out
sign a attest bob {"mesh":"$m","member":"$alice","session":"$s1","name":"n","issuedAt":"$now","expiresAt":"$now+12h"}
alice > {"type":"attest","_reqId":"4","attestation":"$a"}
alice < {"type":"error","_reqId":"4","code":"bad_signature","message":*,"field":"attestation"}
sign a attest alice {"mesh":"$m","member":"$alice","session":"$b1","name":"n","issuedAt":"$now","expiresAt":"$now+12h"}
alice > {"type":"attest","_reqId":"5","attestation":"$a"}
alice < {"type":"error","_reqId":"5","code":"bad_attestation","message":*,"field":"attestation"}
sign a attest alice {"mesh":"$m","member":"$alice","session":"$s1","name":"n","issuedAt":"$now-2h","expiresAt":"$now-1h"}
alice > {"type":"attest","_reqId":"6","attestation":"$a"}
alice < {"type":"error","_reqId":"6","code":"expired","message":*,"field":"attestation.expiresAt"}
bob > {"type":"list_peers","_reqId":"7"}
bob < {"type":"peers_list","_reqId":"7","peers":[*,{"pubkey":"$s1","displayName":"newname",...}]}

test what a limited session may do
mesh m owner alice
peer alice
hello alice s1
peer x
hello x r of alice daemon two attest {"capabilities":["read"]}
event alice peer_joined r
x > {"type":"list_peers","_reqId":"1"}
x < {"type":"peers_list","_reqId":"1","peers":[*,*]}
x > {"type":"set_status","_reqId":"2","status":"working"}
x < {"type":"ok","_reqId":"2"}
sealed c r s1 message-0001 "no"
x > {"type":"send","_reqId":"3","id":"message-0001","targetSpec":"$s1","priority":"next",$c}
x < {"type":"error","_reqId":"3","code":"forbidden","message":"*send*","id":"message-0001"}
x > {"type":"kick","_reqId":"4","target":"$s1"}
x < {"type":"error","_reqId":"4","code":"forbidden","message":"*admin*"}
act a m alice {"kind":"settings","name":"mine"}
x > {"type":"roll_append","_reqId":"5","act":"$a"}
x < {"type":"error","_reqId":"5","code":"forbidden","message":"*admin*"}
peer y
hello y w of alice daemon three attest {"capabilities":["send"]}
event alice peer_joined w
event x peer_joined w
y > {"type":"list_peers","_reqId":"6"}
y < {"type":"error","_reqId":"6","code":"forbidden","message":"*read*"}
sealed c w s1 message-0001 "yes"
y > {"type":"send","_reqId":"7","id":"message-0001","targetSpec":"$s1","priority":"next",$c}
y < {"type":"ack","_reqId":"7","queued":true,...}
alice < {"type":"push","senderPubkey":"$w",...}
opens alice s1 "yes"
# words it does not know give no rights
peer z
hello z v of alice daemon four attest {"capabilities":["everything"]}
event alice peer_joined v
event x peer_joined v
event y peer_joined v
z > {"type":"mesh_info","_reqId":"8"}
z < {"type":"error","_reqId":"8","code":"forbidden","message":*}

test a session ends, and is known when it comes back
mesh m owner alice
join bob m
peer alice
hello alice s1
peer bob
hello bob b1
event alice peer_joined b1
bob > {"type":"session_end","_reqId":"1"}
bob < {"type":"ok","_reqId":"1"}
event alice peer_left b1
alice > {"type":"session_show","_reqId":"2","pubkey":"$b1"}
alice < {"type":"session_info","_reqId":"2","pubkey":"$b1","memberPubkey":"$bob","attestation":*,"online":false,"lastSeenAt":*}
alice > {"type":"list_peers","_reqId":"3"}
alice < {"type":"peers_list","_reqId":"3","peers":[{"pubkey":"$s1",...}]}
hello bob b1 -> {"type":"hello_ack","sessionPubkey":"$b1","restored":true,"lastSeenAt":*,...}
event alice peer_returned b1 -> "restored":true,"lastSeenAt":*
alice > {"type":"session_show","_reqId":"4","pubkey":"$alice"}
alice < {"type":"error","_reqId":"4","code":"no_peer","message":*,"field":"pubkey"}

test nothing but the open rows before a hello
peer x
no-hello x
mesh m owner alice
x > {"type":"roll_get","_reqId":"1","meshId":"$m","from":0}
x < {"type":"error","_reqId":"1","code":"forbidden","message":*}
x > {"type":"roll_get","_reqId":"2","meshId":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","from":0}
x < {"type":"error","_reqId":"2","code":"no_mesh","message":*,"field":"meshId"}
