# What needs the broker's clock: kept short by attestations and invites that
# are about to run out, and by the first sweep, five seconds after the start.

test an attestation runs out
mesh m owner alice
join bob m
peer bob
hello bob b1
peer alice
hello alice s1 attest {"expiresAt":"$now+2s"}
event bob peer_joined s1
alice > {"type":"mesh_info","_reqId":"1"}
alice < {"type":"mesh_info_result","_reqId":"1","peers":2,...}
# an invite that is about to, as well
key inv
act a m m.owner {"kind":"invite","invite":"$inv","role":"member","uses":1,"expiresAt":"$now+1s"}
seal k m inv
alice > {"type":"roll_append","_reqId":"2","act":"$a","sealed":[{"key":"$inv","sealed":"$k"}]}
alice < {"type":"roll_appended","_reqId":"2","roll":*}
alice < {"type":"roll_changed","meshId":"$m","roll":*}
bob < {"type":"roll_changed","meshId":"$m","roll":*}
sleep 2100
alice > {"type":"mesh_info","_reqId":"3"}
alice < {"type":"error","_reqId":"3","code":"expired","message":*}
peer x
sign p invite inv {"url":"$url","invite":"$inv","challenge":"$x.nonce"}
x > {"type":"invite_open","_reqId":"4","proof":"$p"}
x < {"type":"error","_reqId":"4","code":"invite_expired","message":*}
# until the broker ends it
alice < {"type":"session_ended","_session":"$s1","pubkey":"$s1","reason":"expired"}
event bob peer_left s1
hello alice s1 -> {"type":"hello_ack","restored":true,"lastSeenAt":*,...}
event bob peer_returned s1 -> "restored":true,"lastSeenAt":*
