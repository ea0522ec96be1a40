# Making a mesh, asking about it, erasing it.

test made of two acts, and the same acts again are answered the same
mesh m owner alice
peer x
x > {"type":"mesh_create","_reqId":"1","acts":["$_g","$_a"],"sealed":"$_s"}
x < {"type":"mesh_created","_reqId":"1","meshId":"$m","roll":{"n":2,"head":"$_a.hash"}}
# another first admin for the same genesis
key other
act b m m.owner {"n":1,"prev":"$_g.hash","kind":"admin","member":"$other","name":"other"}
x > {"type":"mesh_create","_reqId":"2","acts":["$_g","$b"],"sealed":"$_s"}
x < {"type":"error","_reqId":"2","code":"conflict","message":*}
peer alice
hello alice s1
alice > {"type":"mesh_info","_reqId":"3"}
alice < {"type":"mesh_info_result","_reqId":"3","mesh":"$m","name":"m","peers":1,"members":1,"queued":0,
	"roll":{"n":2,"head":"$_a.hash"},"yourName":"s1"}
alice > {"type":"epoch_get","_reqId":"4","epoch":1}
alice < {"type":"epoch_key","_reqId":"4","epoch":1,"sealed":"$_s"}
unseal m alice $_s

test what is no mesh
mesh m owner alice
key o k
peer x
# one act, three, none
x > {"type":"mesh_create","_reqId":"1","acts":["$_g"],"sealed":"$_s"}
x < {"type":"error","_reqId":"1","code":"bad_field","message":*,"field":"acts"}
x > {"type":"mesh_create","_reqId":"2","acts":[],"sealed":"$_s"}
x < {"type":"error","_reqId":"2","code":"bad_field","message":*,"field":"acts"}
x > {"type":"mesh_create","_reqId":"3","acts":["$_g","$_a","$_a"],"sealed":"$_s"}
x < {"type":"error","_reqId":"3","code":"too_long","message":*,"field":"acts"}
# another broker's log key
act g m o {"n":0,"prev":"","kind":"genesis","nonce":"$k","name":"x","logKey":"$k","epoch":1,"epochHash":"$k"}
act a m o {"n":1,"prev":"$g.hash","kind":"admin","member":"$k","name":"x"}
x > {"type":"mesh_create","_reqId":"4","acts":["$g","$a"],"sealed":"$_s"}
x < {"type":"error","_reqId":"4","code":"bad_field","message":*,"field":"acts[0].logKey"}
# the second act is no admin act
act g m o {"n":0,"prev":"","kind":"genesis","nonce":"$k","name":"x","logKey":"$x.logKey","epoch":1,"epochHash":"$k"}
act a m o {"n":1,"prev":"$g.hash","kind":"settings","name":"x"}
x > {"type":"mesh_create","_reqId":"5","acts":["$g","$a"],"sealed":"$_s"}
x < {"type":"error","_reqId":"5","code":"roll_refused","message":*,"field":"acts[1]"}
# a reserved name, and a name of two lines
act a m o {"n":1,"prev":"$g.hash","kind":"admin","member":"$k","name":"Broker"}
x > {"type":"mesh_create","_reqId":"6","acts":["$g","$a"],"sealed":"$_s"}
x < {"type":"error","_reqId":"6","code":"roll_refused","message":*,"field":"name"}
act a m o {"n":1,"prev":"$g.hash","kind":"admin","member":"$k","name":"a\nb"}
x > {"type":"mesh_create","_reqId":"7","acts":["$g","$a"],"sealed":"$_s"}
x < {"type":"error","_reqId":"7","code":"roll_refused","message":*,"field":"name"}
# signed by somebody else
act a m k {"n":1,"prev":"$g.hash","kind":"admin","author":"$o","member":"$k","name":"x"}
x > {"type":"mesh_create","_reqId":"8","acts":["$g","$a"],"sealed":"$_s"}
x < {"type":"error","_reqId":"8","code":"bad_signature",...}
# in the wrong order
x > {"type":"mesh_create","_reqId":"9","acts":["$_a","$_g"],"sealed":"$_s"}
x < {"type":"error","_reqId":"9","code":"roll_conflict",...}

test erased by its owner and by nobody else
mesh m owner alice
mesh n owner carol
join bob m admin
peer alice
hello alice s1
peer bob
hello bob b1
event alice peer_joined b1
peer carol
hello carol c1
sign p delete bob {"url":"$url","mesh":"$m","challenge":"$bob.nonce"}
bob > {"type":"mesh_delete","_reqId":"1","proof":"$p"}
bob < {"type":"error","_reqId":"1","code":"forbidden","message":*,"field":"proof"}
sign p delete alice {"url":"$url","mesh":"$m","challenge":"$alice.nonce"}
alice > {"type":"mesh_delete","_reqId":"2","proof":"$p"}
alice < {"type":"error","_reqId":"2","code":"forbidden","message":*,"field":"proof"}
sign p delete m.owner {"url":"$url","mesh":"$m","challenge":"$bob.nonce"}
alice > {"type":"mesh_delete","_reqId":"3","proof":"$p"}
alice < {"type":"error","_reqId":"3","code":"bad_signature","message":*,"field":"proof"}
sign p delete m.owner {"url":"$url","mesh":"$n","challenge":"$alice.nonce"}
alice > {"type":"mesh_delete","_reqId":"4","proof":"$p"}
alice < {"type":"error","_reqId":"4","code":"bad_signature","message":*,"field":"proof"}
sign p delete m.owner {"url":"ws://elsewhere.example/ws","mesh":"$m","challenge":"$alice.nonce"}
alice > {"type":"mesh_delete","_reqId":"5","proof":"$p"}
alice < {"type":"error","_reqId":"5","code":"wrong_url","message":*,"field":"proof.url"}
sign p delete m.owner {"url":"$url","mesh":"$m","challenge":"$carol.nonce"}
carol > {"type":"mesh_delete","_reqId":"6","proof":"$p"}
carol < {"type":"error","_reqId":"6","code":"forbidden",...}
quiet alice bob carol
sign p delete m.owner {"url":"$url","mesh":"$m","challenge":"$alice.nonce"}
alice > {"type":"mesh_delete","_reqId":"7","proof":"$p"}
alice < {"type":"ok","_reqId":"7"}
alice < {"type":"session_ended","_session":"$s1","pubkey":"$s1","reason":"mesh_deleted","by":"s1"}
event bob peer_left s1
bob < {"type":"session_ended","_session":"$b1","pubkey":"$b1","reason":"mesh_deleted","by":"s1"}
hello alice s1 -> {"type":"error","_reqId":"hello","code":"no_mesh","message":*,"field":"meshId"}
peer x
x > {"type":"roll_get","_reqId":"8","meshId":"$m","from":0}
x < {"type":"error","_reqId":"8","code":"no_mesh","message":*,"field":"meshId"}
rolled carol n
quiet carol
