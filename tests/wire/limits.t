# Every limit, just passed.

test every field of every request, beyond its limits
mesh m owner alice
peer alice
hello alice s1
limits alice

test a send that fits to the byte
mesh m owner alice
peer alice
hello alice s1
alice > {"type":"send","_reqId":"1","id":"$long:64","targetSpec":"$s1","priority":"now","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","ciphertext":"$long:200000"}
alice < {"type":"ack","_reqId":"1","queued":true,...}
alice < {"type":"push","messageId":"$long:64","ciphertext":"$long:200000",...}
alice > {"type":"send","_reqId":"2","id":"$long:64","targetSpec":"$s1","priority":"now","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","ciphertext":"$long:200001"}
alice < {"type":"error","_reqId":"2","code":"too_long","message":"*200000*","field":"ciphertext","id":"$long:64"}

test a member that sends too fast is told when to go on
mesh m owner alice
join bob m
peer alice
hello alice s1
act a m alice {"kind":"settings","sendRate":1,"sendBurst":3}
alice > {"type":"roll_append","_reqId":"0","act":"$a"}
alice < {"type":"roll_appended",...}
alice < {"type":"roll_changed",...}
peer bob
hello bob b1
event alice peer_joined b1
# one bucket for the member, whichever session and connection
peer two
hello two b2 of bob daemon two
event alice peer_joined b2
event bob peer_joined b2
repeat 2 bob > {"type":"send","_reqId":"r$i","id":"message-$i","targetSpec":"$s1","priority":"now","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","ciphertext":"AAAA"}
repeat 2 bob < {"type":"ack","_reqId":"r$i",...}
repeat 2 alice < {"type":"push",...}
two > {"type":"send","_reqId":"1","id":"message-3","targetSpec":"$s1","priority":"now","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","ciphertext":"AAAA",
	"copies":[{"targetSpec":"$alice","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","ciphertext":"AAAA"}]}
two < {"type":"error","_reqId":"1","code":"rate_limited","message":"*1 messages a second*","id":"message-3","retryAfterMs":$ms}
sleep 1100
two > {"type":"send","_reqId":"2","id":"message-3","targetSpec":"$s1","priority":"now","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","ciphertext":"AAAA",
	"copies":[{"targetSpec":"$alice","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","ciphertext":"AAAA"}]}
two < {"type":"ack","_reqId":"2","queued":true,...}
repeat 2 alice < {"type":"push","messageId":"message-3",...}
# alice's own bucket is full
alice > {"type":"send","_reqId":"3","id":"message-4","targetSpec":"$b1","priority":"now","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","ciphertext":"AAAA"}
alice < {"type":"ack","_reqId":"3",...}
bob < {"type":"push","messageId":"message-4",...}

test hellos and the like have a rate, too
mesh m owner alice
peer alice
hello alice s1
repeat 700 alice > {"type":"roll_get","_reqId":"r$i","meshId":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","from":0}
repeat 400 alice < {"type":"error","_reqId":"r$i","code":"no_mesh",...}
alice << {"type":"error","_reqId":*,"code":"rate_limited","message":*,"retryAfterMs":*}
alice << {"type":"error","_reqId":"r700",...}
# other requests go on
alice > {"type":"mesh_info","_reqId":"1"}
alice < {"type":"mesh_info_result","_reqId":"1",...}

test a queue that is full, and has room again when its mail is fetched
mesh m owner alice
join bob m
peer alice
hello alice s1
act a m alice {"kind":"settings","sendRate":100000,"sendBurst":1000000}
alice > {"type":"roll_append","_reqId":"0","act":"$a"}
alice < {"type":"roll_appended",...}
alice < {"type":"roll_changed",...}
peer bob
hello bob b1
event alice peer_joined b1
drop bob
quiet alice
repeat 10000 alice > {"type":"send","id":"message-$i","targetSpec":"$b1","priority":"now","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","ciphertext":"AAAA"}
repeat 10000 alice < {"type":"ack","id":"message-$i","queued":true,...}
alice > {"type":"send","_reqId":"1","id":"message-10001","targetSpec":"$b1","priority":"now","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","ciphertext":"AAAA"}
alice < {"type":"ack","_reqId":"1","id":"message-10001","messageId":"message-10001","queued":false,
	"recipients":[{"targetSpec":"$b1","receipt":"refused","reason":"quota*full","at":*}],"error":"quota*full"}
# it is bob's queue that is full, not everybody's
alice > {"type":"send","_reqId":"2","id":"message-10001","targetSpec":"$bob","priority":"now","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","ciphertext":"AAAA"}
alice < {"type":"ack","_reqId":"2","queued":true,...}
alice > {"type":"mesh_info","_reqId":"3"}
alice < {"type":"mesh_info_result","_reqId":"3","queued":10001,...}
peer bob
hello bob b1
repeat 9999 bob < {"type":"push","messageId":"message-$i",...}
bob < {"type":"push","messageId":"message-10000","seq":$q,...}
bob > {"type":"client_ack","_reqId":"4","cursor":{"history":"$b1.history","seq":$q}}
bob < {"type":"push","messageId":"message-10001","targetSpec":"$bob",...}
bob < {"type":"ok","_reqId":"4"}
sleep 300
alice > {"type":"send","_reqId":"5","id":"message-10002","targetSpec":"$b1","priority":"now","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","ciphertext":"AAAA"}
alice < {"type":"ack","_reqId":"5","queued":true,...}
bob < {"type":"push","messageId":"message-10002",...}

test a connection that does not read: mail waits, events are dropped, and it is told
mesh m owner alice
join bob m
peer alice
hello alice s1
peer bob slow
hello bob b1
event alice peer_joined b1
repeat 60 alice > {"type":"send","_reqId":"r$i","id":"message-$i","targetSpec":"$b1","priority":"low","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","ciphertext":"$long:199999"}
repeat 60 alice < {"type":"ack","_reqId":"r$i","queued":true,...}
alice > {"type":"set_visible","_reqId":"h","visible":false}
alice < {"type":"ok","_reqId":"h"}
alice > {"type":"set_visible","_reqId":"v","visible":true}
alice < {"type":"ok","_reqId":"v"}
bob << {"type":"gap","dropped":2}
bob << {"type":"push","messageId":"message-60",...}

test no mail is dropped for a connection that does not read
mesh m owner alice
join bob m
peer alice
hello alice s1
peer bob slow
hello bob b1
event alice peer_joined b1
repeat 60 alice > {"type":"send","_reqId":"r$i","id":"message-$i","targetSpec":"$b1","priority":"low","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","ciphertext":"$long:199999"}
repeat 60 alice < {"type":"ack","_reqId":"r$i","queued":true,...}
alice > {"type":"set_visible","_reqId":"h","visible":false}
alice < {"type":"ok","_reqId":"h"}
alice > {"type":"set_visible","_reqId":"v","visible":true}
alice < {"type":"ok","_reqId":"v"}
repeat 60 bob << {"type":"push","messageId":"message-$i","senderPubkey":"$s1",...}
