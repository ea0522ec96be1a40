# Invites: made, opened, joined by, used up, revoked. (Expired: expire.t.)

test made, opened, joined by, and used up
mesh m owner alice
peer alice
hello alice s1
key inv
act a m alice {"kind":"invite","invite":"$inv","role":"member","uses":1,"expiresAt":"$now+1h"}
seal k m inv
alice > {"type":"roll_append","_reqId":"1","act":"$a","sealed":[{"key":"$inv","sealed":"$k"}]}
alice < {"type":"roll_appended","_reqId":"1","roll":{"n":3,"head":"$a.hash"}}
alice < {"type":"roll_changed",...}
mesh n owner bob
peer x
sign p invite inv {"url":"$url","invite":"$inv","challenge":"$x.nonce"}
x > {"type":"invite_open","_reqId":"2","proof":"$p"}
x < {"type":"invite_info","_reqId":"2","meshId":"$m","roll":{"n":3,"head":"$a.hash"},"epoch":1,"sealed":"$k"}
unseal m inv $k
# whoever holds it may read this mesh's roll and no other
rolled x m
x > {"type":"roll_get","_reqId":"3","meshId":"$n","from":0}
x < {"type":"error","_reqId":"3","code":"forbidden","message":*}
x > {"type":"list_peers","_reqId":"4"}
x < {"type":"error","_reqId":"4","code":"no_hello","message":*}
key mk
act j m mk+inv {"kind":"join","invite":"$inv","member":"$mk","name":"newcomer"}
seal jk m mk
x > {"type":"mesh_join","_reqId":"5","meshId":"$m","act":"$j","sealed":"$jk"}
x < {"type":"roll_appended","_reqId":"5","roll":{"n":4,"head":"$j.hash"}}
alice < {"type":"roll_changed","meshId":"$m","roll":{"n":4,"head":"$j.hash"}}
# the same join again: the answer was lost
x > {"type":"mesh_join","_reqId":"6","meshId":"$m","act":"$j","sealed":"$jk"}
x < {"type":"roll_appended","_reqId":"6","roll":{"n":4,"head":"$j.hash"}}
# signed anew by the same member: it is in already
act j2 m mk+inv {"kind":"join","invite":"$inv","member":"$mk","name":"newcomer"}
x > {"type":"mesh_join","_reqId":"7","meshId":"$m","act":"$j2","sealed":"$jk"}
x < {"type":"roll_appended","_reqId":"7","roll":{"n":4,"head":"$j.hash"}}
quiet alice
# somebody else comes too late
key late
act l m late+inv {"kind":"join","invite":"$inv","member":"$late","name":"late"}
seal lk m late
x > {"type":"mesh_join","_reqId":"8","meshId":"$m","act":"$l","sealed":"$lk"}
x < {"type":"error","_reqId":"8","code":"invite_used_up","message":*}
peer y
sign p invite inv {"url":"$url","invite":"$inv","challenge":"$y.nonce"}
y > {"type":"invite_open","_reqId":"9","proof":"$p"}
y < {"type":"error","_reqId":"9","code":"invite_used_up","message":*}
y > {"type":"roll_get","_reqId":"10","meshId":"$m","from":0}
y < {"type":"error","_reqId":"10","code":"forbidden","message":*}
# though who joined by it may repeat that on a new connection
y > {"type":"mesh_join","_reqId":"11","meshId":"$m","act":"$j","sealed":"$jk"}
y < {"type":"roll_appended","_reqId":"11","roll":{"n":4,"head":"$j.hash"}}
rolled alice m

test the proof
mesh m owner alice
peer alice
hello alice s1
key inv other
act a m alice {"kind":"invite","invite":"$inv","role":"member","uses":5,"expiresAt":"$now+1h"}
seal k m inv
alice > {"type":"roll_append","_reqId":"1","act":"$a","sealed":[{"key":"$inv","sealed":"$k"}]}
alice < {"type":"roll_appended",...}
alice < {"type":"roll_changed",...}
peer x
sign p invite other {"url":"$url","invite":"$inv","challenge":"$x.nonce"}
x > {"type":"invite_open","_reqId":"2","proof":"$p"}
x < {"type":"error","_reqId":"2","code":"bad_signature","message":*,"field":"proof"}
sign p invite inv {"url":"$url","invite":"$inv","challenge":"$alice.nonce"}
x > {"type":"invite_open","_reqId":"3","proof":"$p"}
x < {"type":"error","_reqId":"3","code":"bad_signature","message":*,"field":"proof.challenge"}
sign p hello inv {"url":"$url","invite":"$inv","challenge":"$x.nonce"}
x > {"type":"invite_open","_reqId":"4","proof":"$p"}
x < {"type":"error","_reqId":"4","code":"bad_signature","message":*,"field":"proof"}
sign p invite inv {"url":"ws://elsewhere.example/ws","invite":"$inv","challenge":"$x.nonce"}
x > {"type":"invite_open","_reqId":"5","proof":"$p"}
x < {"type":"error","_reqId":"5","code":"wrong_url","message":*,"field":"proof.url"}
sign p invite other {"url":"$url","invite":"$other","challenge":"$x.nonce"}
x > {"type":"invite_open","_reqId":"6","proof":"$p"}
x < {"type":"error","_reqId":"6","code":"invite_unknown","message":*}
x > {"type":"invite_open","_reqId":"7","proof":"AAAA"}
x < {"type":"error","_reqId":"7","code":"cannot_open","message":*,"field":"proof"}
# what was not opened here joins nothing
key mk
act j m mk+inv {"kind":"join","invite":"$inv","member":"$mk","name":"n"}
seal jk m mk
x > {"type":"mesh_join","_reqId":"8","meshId":"$m","act":"$j","sealed":"$jk"}
x < {"type":"error","_reqId":"8","code":"forbidden","message":*}

test joins that do not stand
mesh m owner alice
mesh n owner carol
peer alice
hello alice s1
key inv mk
act a m alice {"kind":"invite","invite":"$inv","role":"member","uses":5,"expiresAt":"$now+1h"}
seal k m inv
alice > {"type":"roll_append","_reqId":"1","act":"$a","sealed":[{"key":"$inv","sealed":"$k"}]}
alice < {"type":"roll_appended",...}
alice < {"type":"roll_changed",...}
peer x
sign p invite inv {"url":"$url","invite":"$inv","challenge":"$x.nonce"}
x > {"type":"invite_open","_reqId":"2","proof":"$p"}
x < {"type":"invite_info",...}
seal jk m mk
# without the invite's signature, with another's, in another mesh
act j m mk {"kind":"join","invite":"$inv","member":"$mk","name":"n"}
x > {"type":"mesh_join","_reqId":"3","meshId":"$m","act":"$j","sealed":"$jk"}
x < {"type":"error","_reqId":"3","code":"roll_refused",...}
act j m mk+mk {"kind":"join","invite":"$inv","member":"$mk","name":"n"}
x > {"type":"mesh_join","_reqId":"4","meshId":"$m","act":"$j","sealed":"$jk"}
x < {"type":"error","_reqId":"4","code":"bad_signature",...}
act j m mk+inv {"kind":"join","invite":"$inv","member":"$mk","name":"n"}
x > {"type":"mesh_join","_reqId":"5","meshId":"$n","act":"$j","sealed":"$jk"}
x < {"type":"error","_reqId":"5","code":"forbidden","message":*}
# a name that nobody may bear; no join at all; a key that has another use
act j m mk+inv {"kind":"join","invite":"$inv","member":"$mk","name":"system"}
x > {"type":"mesh_join","_reqId":"6","meshId":"$m","act":"$j","sealed":"$jk"}
x < {"type":"error","_reqId":"6","code":"bad_field","message":*,"field":"act.name"}
act j m mk {"kind":"leave"}
x > {"type":"mesh_join","_reqId":"7","meshId":"$m","act":"$j","sealed":"$jk"}
x < {"type":"error","_reqId":"7","code":"roll_refused","message":*,"field":"act"}
act j m inv+inv {"kind":"join","invite":"$inv","member":"$inv","name":"n"}
x > {"type":"mesh_join","_reqId":"8","meshId":"$m","act":"$j","sealed":"$jk"}
x < {"type":"error","_reqId":"8","code":"roll_refused",...}
# behind the head
act j m mk+inv {"kind":"join","invite":"$inv","member":"$mk","name":"n"}
act s m alice {"kind":"settings","name":"newer"}
alice > {"type":"roll_append","_reqId":"9","act":"$s"}
alice < {"type":"roll_appended",...}
alice < {"type":"roll_changed",...}
x > {"type":"mesh_join","_reqId":"10","meshId":"$m","act":"$j","sealed":"$jk"}
x < {"type":"error","_reqId":"10","code":"roll_conflict",...}
act j m mk+inv {"kind":"join","invite":"$inv","member":"$mk","name":"n"}
x > {"type":"mesh_join","_reqId":"11","meshId":"$m","act":"$j","sealed":"$jk"}
x < {"type":"roll_appended","_reqId":"11",...}
alice < {"type":"roll_changed",...}
rolled alice m

test revoked, for those who opened it before, too
mesh m owner alice
join bob m
peer alice
hello alice s1
peer bob
hello bob b1
event alice peer_joined b1
key inv mk
act a m alice {"kind":"invite","invite":"$inv","role":"member","uses":5,"expiresAt":"$now+1h"}
seal k m inv
alice > {"type":"roll_append","_reqId":"1","act":"$a","sealed":[{"key":"$inv","sealed":"$k"}]}
alice < {"type":"roll_appended",...}
alice < {"type":"roll_changed",...}
bob < {"type":"roll_changed",...}
peer x
sign p invite inv {"url":"$url","invite":"$inv","challenge":"$x.nonce"}
x > {"type":"invite_open","_reqId":"2","proof":"$p"}
x < {"type":"invite_info",...}
act r m bob {"kind":"invite_revoke","invite":"$inv"}
bob > {"type":"roll_append","_reqId":"3","act":"$r"}
bob < {"type":"error","_reqId":"3","code":"roll_refused",...}
act r m alice {"kind":"invite_revoke","invite":"$inv"}
alice > {"type":"roll_append","_reqId":"4","act":"$r"}
alice < {"type":"roll_appended",...}
alice < {"type":"roll_changed",...}
bob < {"type":"roll_changed",...}
act j m mk+inv {"kind":"join","invite":"$inv","member":"$mk","name":"n"}
seal jk m mk
x > {"type":"mesh_join","_reqId":"5","meshId":"$m","act":"$j","sealed":"$jk"}
x < {"type":"error","_reqId":"5","code":"invite_revoked","message":*}
peer y
sign p invite inv {"url":"$url","invite":"$inv","challenge":"$y.nonce"}
y > {"type":"invite_open","_reqId":"6","proof":"$p"}
y < {"type":"error","_reqId":"6","code":"invite_revoked","message":*}
act r m alice {"kind":"invite_revoke","invite":"$inv"}
alice > {"type":"roll_append","_reqId":"7","act":"$r"}
alice < {"type":"error","_reqId":"7","code":"conflict",...}
act r m alice {"kind":"invite_revoke","invite":"$mk"}
alice > {"type":"roll_append","_reqId":"8","act":"$r"}
alice < {"type":"error","_reqId":"8","code":"invite_unknown",...}
# its key may not be used for another
act a m alice {"kind":"invite","invite":"$inv","role":"member","uses":5,"expiresAt":"$now+1h"}
alice > {"type":"roll_append","_reqId":"9","act":"$a","sealed":[{"key":"$inv","sealed":"$k"}]}
alice < {"type":"error","_reqId":"9","code":"conflict",...}

test an invite key of one mesh is no invite of another
mesh m owner alice
mesh n owner carol
peer alice
hello alice s1
peer carol
hello carol c1
key inv
act a m alice {"kind":"invite","invite":"$inv","role":"member","uses":1,"expiresAt":"$now+1h"}
seal k m inv
alice > {"type":"roll_append","_reqId":"1","act":"$a","sealed":[{"key":"$inv","sealed":"$k"}]}
alice < {"type":"roll_appended",...}
alice < {"type":"roll_changed",...}
act a n carol {"kind":"invite","invite":"$inv","role":"member","uses":1,"expiresAt":"$now+1h"}
seal k n inv
carol > {"type":"roll_append","_reqId":"1","act":"$a","sealed":[{"key":"$inv","sealed":"$k"}]}
carol < {"type":"error","_reqId":"1","code":"conflict","message":*}
quiet alice carol
rolled carol n
