# The roll: signed acts, appended to the head, served, replayed.

test an act stands, everybody is told, and the roll replays
mesh m owner alice
join bob m
peer bob
hello bob b1
peer alice
hello alice s1
event bob peer_joined s1
act a m alice {"kind":"settings","name":"New name","sendRate":50}
alice > {"type":"roll_append","_reqId":"1","act":"$a"}
alice < {"type":"roll_appended","_reqId":"1","roll":{"n":5,"head":"$a.hash"}}
alice < {"type":"roll_changed","meshId":"$m","roll":{"n":5,"head":"$a.hash"}}
bob < {"type":"roll_changed","meshId":"$m","roll":{"n":5,"head":"$a.hash"}}
rolled bob m
bob > {"type":"mesh_info","_reqId":"2"}
bob < {"type":"mesh_info_result","_reqId":"2","mesh":"$m","name":"New name","peers":2,"members":2,"queued":0,"roll":{"n":5,"head":"$a.hash"},"yourName":"b1"}
# the owner key may write, too, through any session of a member
act b m m.owner {"kind":"settings","name":"By the owner"}
bob > {"type":"roll_append","_reqId":"3","act":"$b"}
bob < {"type":"roll_appended","_reqId":"3","roll":{"n":6,"head":"$b.hash"}}
alice < {"type":"roll_changed",...}
bob < {"type":"roll_changed",...}

test the head is someone else's: sign anew
mesh m owner alice
peer alice
hello alice s1
act a m alice {"kind":"settings","name":"one"}
act b m alice {"kind":"settings","name":"two"}
alice > {"type":"roll_append","_reqId":"1","act":"$a"}
alice < {"type":"roll_appended","_reqId":"1","roll":{"n":3,"head":"$a.hash"}}
alice < {"type":"roll_changed",...}
alice > {"type":"roll_append","_reqId":"2","act":"$b"}
alice < {"type":"error","_reqId":"2","code":"roll_conflict","message":*,...}
act b m alice {"kind":"settings","name":"two"}
alice > {"type":"roll_append","_reqId":"3","act":"$b"}
alice < {"type":"roll_appended","_reqId":"3","roll":{"n":4,"head":"$b.hash"}}
alice < {"type":"roll_changed",...}
# the right number upon another head
act c m alice {"kind":"settings","name":"three","prev":"$a.hash"}
alice > {"type":"roll_append","_reqId":"4","act":"$c"}
alice < {"type":"error","_reqId":"4","code":"roll_conflict","message":*,...}
act c m alice {"kind":"settings","name":"three","n":9}
alice > {"type":"roll_append","_reqId":"5","act":"$c"}
alice < {"type":"error","_reqId":"5","code":"roll_conflict","message":*,...}
rolled alice m

test asked once more, it is answered the same and done once
mesh m owner alice
peer alice
hello alice s1
act a m alice {"kind":"settings","name":"one"}
alice > {"type":"roll_append","_reqId":"first","act":"$a"}
alice < {"type":"roll_appended","_reqId":"first","roll":{"n":3,"head":"$a.hash"}}
alice < {"type":"roll_changed",...}
# the same request: the answer that was kept
alice > {"type":"roll_append","_reqId":"first","act":"$a"}
alice < {"type":"roll_appended","_reqId":"first","roll":{"n":3,"head":"$a.hash"}}
# the same act under another _reqId, when more has happened
act b m alice {"kind":"settings","name":"two"}
alice > {"type":"roll_append","_reqId":"second","act":"$b"}
alice < {"type":"roll_appended","_reqId":"second","roll":{"n":4,"head":"$b.hash"}}
alice < {"type":"roll_changed",...}
alice > {"type":"roll_append","_reqId":"third","act":"$a"}
alice < {"type":"roll_appended","_reqId":"third","roll":{"n":3,"head":"$a.hash"}}
# on another connection, and after the broker started over
drop alice
kill broker
start broker
peer alice
hello alice s1
alice > {"type":"roll_append","_reqId":"first","act":"$a"}
alice < {"type":"roll_appended","_reqId":"first","roll":{"n":3,"head":"$a.hash"}}
quiet alice
rolled alice m
# what was asked under that _reqId is done: another act is not looked at
act x m alice {"kind":"settings","name":"never"}
alice > {"type":"roll_append","_reqId":"first","act":"$x"}
alice < {"type":"roll_appended","_reqId":"first","roll":{"n":3,"head":"$a.hash"}}
quiet alice
rolled alice m
# of this session only
hello alice s2 of alice
alice > {"type":"roll_append","_session":"$s2","_reqId":"first","act":"$x"}
alice < {"type":"roll_appended","_reqId":"first","roll":{"n":5,"head":"$x.hash"}}
alice < {"type":"roll_changed",...}
# an error is not kept: the same _reqId may succeed later
act c m alice {"kind":"settings","name":"three","n":9}
alice > {"type":"roll_append","_reqId":"fourth","act":"$c"}
alice < {"type":"error","_reqId":"fourth","code":"roll_conflict",...}
act c m alice {"kind":"settings","name":"three"}
alice > {"type":"roll_append","_reqId":"fourth","act":"$c"}
alice < {"type":"roll_appended","_reqId":"fourth","roll":{"n":6,"head":"$c.hash"}}
alice < {"type":"roll_changed",...}

test acts that are refused
mesh m owner alice
mesh n owner carol
join bob m
peer bob
hello bob b1
peer alice
hello alice s1
event bob peer_joined s1
key k
# bob is no admin
act a m bob {"kind":"settings","name":"bob's"}
bob > {"type":"roll_append","_reqId":"1","act":"$a"}
bob < {"type":"error","_reqId":"1","code":"roll_refused","message":*,...}
act a m bob {"kind":"admin","member":"$bob","name":"bob"}
bob > {"type":"roll_append","_reqId":"2","act":"$a"}
bob < {"type":"error","_reqId":"2","code":"roll_refused","message":*,...}
act a m bob {"kind":"invite","invite":"$k","role":"member","uses":1,"expiresAt":"$now+1h"}
seal s m k
bob > {"type":"roll_append","_reqId":"3","act":"$a","sealed":[{"key":"$k","sealed":"$s"}]}
bob < {"type":"error","_reqId":"3","code":"roll_refused","message":*,...}
act a m bob {"kind":"session_revoke","member":"$alice","session":"$s1"}
bob > {"type":"roll_append","_reqId":"4","act":"$a"}
bob < {"type":"error","_reqId":"4","code":"roll_refused",...}
# nobody says what another signed
act a m alice {"kind":"settings","name":"x"}
bob > {"type":"roll_append","_reqId":"5","act":"$a"}
bob < {"type":"error","_reqId":"5","code":"forbidden","message":*,"field":"act"}
# signatures
act a m bob {"kind":"settings","name":"x","author":"$alice"}
alice > {"type":"roll_append","_reqId":"6","act":"$a"}
alice < {"type":"error","_reqId":"6","code":"bad_signature","message":*,...}
act a m carol {"kind":"settings","name":"x"}
alice > {"type":"roll_append","_reqId":"7","act":"$a"}
alice < {"type":"error","_reqId":"7","code":"forbidden",...}
act a m n.owner {"kind":"settings","name":"x"}
alice > {"type":"roll_append","_reqId":"8","act":"$a"}
alice < {"type":"error","_reqId":"8","code":"forbidden",...}
# forms
alice > {"type":"roll_append","_reqId":"9","act":"AAAA"}
alice < {"type":"error","_reqId":"9","code":"roll_refused","message":*,"field":"act"}
alice > {"type":"roll_append","_reqId":"10","act":"not base64"}
alice < {"type":"error","_reqId":"10","code":"bad_field","message":*,"field":"act"}
act a m alice {"kind":"settings","name":"x","v":3}
alice > {"type":"roll_append","_reqId":"11","act":"$a"}
alice < {"type":"error","_reqId":"11","code":"roll_refused",...}
act a m alice {"kind":"coup"}
alice > {"type":"roll_append","_reqId":"12","act":"$a"}
alice < {"type":"error","_reqId":"12","code":"roll_refused",...}
act a m alice {"kind":"settings","sendRate":100001}
alice > {"type":"roll_append","_reqId":"13","act":"$a"}
alice < {"type":"error","_reqId":"13","code":"out_of_range",...}
# join and genesis have ways of their own
act a m bob+k {"kind":"join","invite":"$k","member":"$bob","name":"bob"}
bob > {"type":"roll_append","_reqId":"14","act":"$a"}
bob < {"type":"error","_reqId":"14","code":"roll_refused","message":*,"field":"act"}
act a m m.owner {"kind":"genesis","nonce":"$k","name":"x","logKey":"$k","epoch":1,"epochHash":"$k"}
alice > {"type":"roll_append","_reqId":"15","act":"$a"}
alice < {"type":"error","_reqId":"15","code":"roll_refused","message":*,"field":"act"}
# an invite without its sealed key, with another's, or that is over already
act a m alice {"kind":"invite","invite":"$k","role":"member","uses":1,"expiresAt":"$now+1h"}
alice > {"type":"roll_append","_reqId":"16","act":"$a"}
alice < {"type":"error","_reqId":"16","code":"missing_field","message":*,"field":"sealed"}
alice > {"type":"roll_append","_reqId":"17","act":"$a","sealed":[{"key":"$bob","sealed":"$s"}]}
alice < {"type":"error","_reqId":"17","code":"missing_field","message":*,"field":"sealed"}
act a m alice {"kind":"invite","invite":"$k","role":"member","uses":1,"expiresAt":"$now-1s"}
alice > {"type":"roll_append","_reqId":"18","act":"$a","sealed":[{"key":"$k","sealed":"$s"}]}
alice < {"type":"error","_reqId":"18","code":"out_of_range","message":*,"field":"act"}
# only the owner invites admins
act a m alice {"kind":"invite","invite":"$k","role":"admin","uses":1,"expiresAt":"$now+1h"}
alice > {"type":"roll_append","_reqId":"19","act":"$a","sealed":[{"key":"$k","sealed":"$s"}]}
alice < {"type":"error","_reqId":"19","code":"roll_refused",...}
# none of it stands, and nobody heard of it
quiet alice bob
rolled bob m
alice > {"type":"mesh_info","_reqId":"20"}
alice < {"type":"mesh_info_result","_reqId":"20","roll":{"n":4,"head":"*"},...}

test a session is revoked
mesh m owner alice
join bob m
peer alice
hello alice s1
peer bob
hello bob b1
event alice peer_joined b1
hello bob b2 of bob
event alice peer_joined b2
# by its own member
act a m bob {"kind":"session_revoke","member":"$bob","session":"$b1"}
bob > {"type":"roll_append","_reqId":"1","_session":"$b2","act":"$a"}
bob < {"type":"roll_appended","_reqId":"1","roll":{"n":5,"head":"$a.hash"}}
bob < {"type":"roll_changed",...}
bob < {"type":"session_ended","_session":"$b1","pubkey":"$b1","reason":"revoked","by":"b2"}
alice < {"type":"roll_changed",...}
event alice peer_left b1
hello bob b1 -> {"type":"error","_reqId":"hello","code":"revoked","message":*,"field":"sessionPubkey"}
# by an admin
act a m alice {"kind":"session_revoke","member":"$bob","session":"$b2"}
alice > {"type":"roll_append","_reqId":"2","act":"$a"}
alice < {"type":"roll_appended","_reqId":"2",...}
alice < {"type":"roll_changed",...}
event alice peer_left b2
bob < {"type":"roll_changed",...}
bob < {"type":"session_ended","_session":"$b2","pubkey":"$b2","reason":"revoked","by":"s1"}
# twice is once
act a m alice {"kind":"session_revoke","member":"$bob","session":"$b2"}
alice > {"type":"roll_append","_reqId":"3","act":"$a"}
alice < {"type":"error","_reqId":"3","code":"conflict",...}
hello bob b3 of bob
event alice peer_joined b3

test a member leaves
mesh m owner alice
join bob m
peer alice
hello alice s1
peer bob
hello bob b1
event alice peer_joined b1
hello bob b2 of bob
event alice peer_joined b2
act a m bob {"kind":"leave"}
bob > {"type":"roll_append","_reqId":"1","act":"$a"}
bob < {"type":"roll_appended","_reqId":"1","roll":{"n":5,"head":"$a.hash"}}
bob < {"type":"roll_changed",...}
alice < {"type":"roll_changed",...}
bob < {"type":"session_ended","_session":"$b1","pubkey":"$b1","reason":"not_member","by":"b1"}
bob < {"type":"session_ended","_session":"$b2","pubkey":"$b2","reason":"not_member","by":"b1"}
event alice peer_left b1
event alice peer_left b2
hello bob b1 -> {"type":"error","_reqId":"hello","code":"not_member","message":*,"field":"memberPubkey"}
bob > {"type":"roll_get","_reqId":"2","meshId":"$m","from":0}
bob < {"type":"error","_reqId":"2","code":"forbidden","message":*}
sealed c s1 bob message-0001 "gone?"
alice > {"type":"send","_reqId":"3","id":"message-0001","targetSpec":"$bob","priority":"next",$c}
alice < {"type":"ack","_reqId":"3","queued":false,"error":"no such peer",...}
# the last admin may not
act a m alice {"kind":"leave"}
alice > {"type":"roll_append","_reqId":"4","act":"$a"}
alice < {"type":"error","_reqId":"4","code":"roll_refused",...}

test epoch keys are left and fetched
mesh m owner alice
join bob m
peer bob
hello bob b1
bob > {"type":"epoch_get","_reqId":"1","epoch":1}
bob < {"type":"epoch_key","_reqId":"1","epoch":1,"sealed":"$k"}
unseal m bob $k
bob > {"type":"epoch_get","_reqId":"2","epoch":2}
bob < {"type":"error","_reqId":"2","code":"out_of_range","message":*,"field":"epoch"}
seal again m bob
bob > {"type":"epoch_put","_reqId":"3","epoch":1,"sealed":"$again"}
bob < {"type":"ok","_reqId":"3"}
bob > {"type":"epoch_get","_reqId":"4","epoch":1}
bob < {"type":"epoch_key","_reqId":"4","epoch":1,"sealed":"$again"}
bob > {"type":"epoch_put","_reqId":"5","epoch":2,"sealed":"$again"}
bob < {"type":"error","_reqId":"5","code":"out_of_range","message":*,"field":"epoch"}
# the other member's copy is untouched
peer alice
hello alice s1
event bob peer_joined s1
alice > {"type":"epoch_get","_reqId":"6","epoch":1}
alice < {"type":"epoch_key","_reqId":"6","epoch":1,"sealed":"$other"}
unseal m alice $other

test pages
mesh m owner alice
join bob m
peer alice
hello alice s1
alice > {"type":"roll_get","_reqId":"1","meshId":"$m","from":1,"limit":2}
alice < {"type":"roll_page","_reqId":"1","meshId":"$m","from":1,"acts":[*,*],"roll":{"n":4,"head":"$_j.hash"}}
alice > {"type":"roll_get","_reqId":"2","meshId":"$m","from":3}
alice < {"type":"roll_page","_reqId":"2","meshId":"$m","from":3,"acts":["$_j"],"roll":*}
alice > {"type":"roll_get","_reqId":"3","meshId":"$m","from":4}
alice < {"type":"roll_page","_reqId":"3","meshId":"$m","from":4,"acts":[],"roll":*}
alice > {"type":"roll_get","_reqId":"4","meshId":"$m","from":9007199254740991}
alice < {"type":"roll_page","_reqId":"4","meshId":"$m","from":9007199254740991,"acts":[],"roll":*}
