# The cursor: mail in the order of seq, nothing twice, nothing missed.

test mail that waited comes with the hello, in order, until it is acknowledged
mesh m owner alice
join bob m
peer bob
hello bob b1
drop bob
peer alice
hello alice s1
sealed a s1 b1 message-0001 "one"
sealed b s1 b1 message-0002 "two"
sealed c s1 bob message-0003 "three"
alice > {"type":"send","_reqId":"1","id":"message-0001","targetSpec":"$b1","priority":"next",$a}
alice > {"type":"send","_reqId":"2","id":"message-0002","targetSpec":"$b1","priority":"next",$b}
alice > {"type":"send","_reqId":"3","id":"message-0003","targetSpec":"$bob","priority":"next",$c}
alice < {"type":"ack","_reqId":"1",...}
alice < {"type":"ack","_reqId":"2",...}
alice < {"type":"ack","_reqId":"3",...}
peer bob
hello bob b1 -> {"type":"hello_ack","cursor":{"history":"$h","seq":0},"restored":true,"lastSeenAt":*,...}
bob < {"type":"push","_session":"$b1","messageId":"message-0001","seq":$q1,...}
opens bob b1 "one"
bob < {"type":"push","_session":"$b1","messageId":"message-0002","seq":$q2,...}
bob < {"type":"push","_session":"$b1","messageId":"message-0003","seq":$q3,...}
opens bob bob "three"
# not acknowledged: all of it comes again, to whichever connection
drop bob
peer bob
hello bob b1 -> {"type":"hello_ack","restored":true,...}
bob < {"type":"push","messageId":"message-0001","seq":$q1,...}
bob < {"type":"push","messageId":"message-0002","seq":$q2,...}
bob < {"type":"push","messageId":"message-0003","seq":$q3,...}
# acknowledged up to the first
bob > {"type":"client_ack","_reqId":"4","cursor":{"history":"$h","seq":$q1}}
bob < {"type":"ok","_reqId":"4"}
drop bob
peer bob
hello bob b1 with {"cursor":{"history":"$h","seq":$q1}} -> {"type":"hello_ack","_reqId":"hello","presenceId":*,"memberDisplayName":"bob",
	"sessionPubkey":"$b1","roll":*,"cursor":{"history":"$h","seq":$q1},"restored":true,"lastSeenAt":*}
bob < {"type":"push","messageId":"message-0002","seq":$q2,...}
bob < {"type":"push","messageId":"message-0003","seq":$q3,...}
# a hello that says more than the last ack is one, too
drop bob
peer bob
hello bob b1 with {"cursor":{"history":"$h","seq":$q2}} -> {"type":"hello_ack","_reqId":"hello","presenceId":*,"memberDisplayName":"bob",
	"sessionPubkey":"$b1","roll":*,"cursor":{"history":"$h","seq":$q2},"restored":true,"lastSeenAt":*}
bob < {"type":"push","messageId":"message-0003","seq":$q3,...}
bob > {"type":"client_ack","_reqId":"5","cursor":{"history":"$h","seq":$q3}}
bob < {"type":"ok","_reqId":"5"}
drop bob
peer bob
hello bob b1 with {"cursor":{"history":"$h","seq":$q3}}
quiet bob alice

test live mail goes on behind what waited
mesh m owner alice
join bob m
peer bob
hello bob b1
drop bob
peer alice
hello alice s1
repeat 400 alice > {"type":"send","_reqId":"r$i","id":"message-$i","targetSpec":"$b1","priority":"low","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","ciphertext":"AAAA"}
repeat 400 alice < {"type":"ack","_reqId":"r$i","messageId":"message-$i","queued":true,...}
peer bob
hello bob b1
repeat 50 alice > {"type":"send","_reqId":"s$i","id":"live-message-$i","targetSpec":"$b1","priority":"low","nonce":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","ciphertext":"AAAA"}
repeat 50 alice < {"type":"ack","_reqId":"s$i",...}
repeat 400 bob < {"type":"push","messageId":"message-$i",...}
repeat 50 bob < {"type":"push","messageId":"live-message-$i",...}

test a cursor of another history, too old, or from the future
mesh m owner alice
join bob m
peer alice
hello alice s1
peer bob
hello bob b1
event alice peer_joined b1
sealed a s1 b1 message-0001 "one"
alice > {"type":"send","_reqId":"1","id":"message-0001","targetSpec":"$b1","priority":"next",$a}
alice < {"type":"ack","_reqId":"1",...}
bob < {"type":"push","messageId":"message-0001","seq":$q1,...}
bob > {"type":"client_ack","_reqId":"2","cursor":{"history":"another","seq":$q1}}
bob < {"type":"error","_reqId":"2","code":"conflict","message":*,"field":"cursor.history"}
bob > {"type":"client_ack","_reqId":"3","cursor":{"history":"$b1.history","seq":9007199254740991}}
bob < {"type":"error","_reqId":"3","code":"out_of_range","message":*,"field":"cursor.seq"}
drop bob
peer bob
hello bob b1 with {"cursor":{"history":"another","seq":77}} -> {"type":"hello_ack","cursor":{"history":"$b1.history","seq":0},"gap":true,...}
bob < {"type":"push","messageId":"message-0001","seq":$q1,...}
bob > {"type":"client_ack","_reqId":"4","cursor":{"history":"$b1.history","seq":$q1}}
bob < {"type":"ok","_reqId":"4"}
drop bob
# behind what it acknowledged itself: its disk is older than its word
peer bob
hello bob b1 with {"cursor":{"history":"$b1.history","seq":0}} -> {"type":"hello_ack","cursor":{"history":"$b1.history","seq":0},"gap":true,...}
drop bob
peer bob
hello bob b1 with {"cursor":{"history":"$b1.history","seq":9007199254740991}} -> {"type":"hello_ack","cursor":{"history":"$b1.history","seq":$last},"gap":true,...}
same $last $q1

test two daemons of a member have cursors of their own
mesh m owner alice
join bob m
peer alice
hello alice s1
peer one
hello one b1 of bob daemon one
event alice peer_joined b1
peer two
hello two b2 of bob daemon two
event alice peer_joined b2
event one peer_joined b2
sealed a s1 bob message-0001 "all"
sealed b s1 b2 message-0002 "two only"
alice > {"type":"send","_reqId":"1","id":"message-0001","targetSpec":"$bob","priority":"next",$a}
alice < {"type":"ack","_reqId":"1",...}
alice > {"type":"send","_reqId":"2","id":"message-0002","targetSpec":"$b2","priority":"next",$b}
alice < {"type":"ack","_reqId":"2",...}
one < {"type":"push","messageId":"message-0001","seq":$q1,...}
two < {"type":"push","messageId":"message-0001","seq":$q1,...}
two < {"type":"push","messageId":"message-0002","seq":$q2,...}
two > {"type":"client_ack","_reqId":"3","cursor":{"history":"$b2.history","seq":$q2}}
two < {"type":"ok","_reqId":"3"}
drop one
drop two
peer one
hello one b1 of bob daemon one
one < {"type":"push","messageId":"message-0001","seq":$q1,...}
peer two
hello two b2 of bob daemon two with {"cursor":{"history":"$b2.history","seq":$q2}}
quiet one two alice
# one that lost its cursor is told, and gets what there still is
drop two
peer two
hello two b2 of bob daemon two -> {"type":"hello_ack","cursor":{"history":"$b2.history","seq":0},"gap":true,...}
two < {"type":"push","messageId":"message-0001","seq":$q1,...}
quiet two

test a session moves to another daemon, and its next mail with it
mesh m owner alice
join bob m
peer alice
hello alice s1
peer one
hello one b1 of bob daemon one
event alice peer_joined b1
close one
event alice peer_left b1
peer two
hello two b1 of bob daemon two
event alice peer_returned b1 -> "restored":true,"lastSeenAt":*
sealed a s1 b1 message-0001 "where you are"
alice > {"type":"send","_reqId":"1","id":"message-0001","targetSpec":"$b1","priority":"next",$a}
alice < {"type":"ack","_reqId":"1",...}
two < {"type":"push","_session":"$b1","messageId":"message-0001",...}
peer one
hello one b2 of bob daemon one
event alice peer_joined b2
event two peer_joined b2
quiet one

test the broker starts over: same history, mail and cursors stand
mesh m owner alice
join bob m
peer alice
hello alice s1
peer bob
hello bob b1
event alice peer_joined b1
sealed a s1 b1 message-0001 "kept"
sealed b s1 b1 message-0002 "kept, too"
alice > {"type":"send","_reqId":"1","id":"message-0001","targetSpec":"$b1","priority":"next",$a}
alice < {"type":"ack","_reqId":"1",...}
bob < {"type":"push","messageId":"message-0001","seq":$q1,...}
bob > {"type":"client_ack","_reqId":"2","cursor":{"history":"$b1.history","seq":$q1}}
bob < {"type":"ok","_reqId":"2"}
alice > {"type":"send","_reqId":"3","id":"message-0002","targetSpec":"$b1","priority":"next",$b}
alice < {"type":"ack","_reqId":"3",...}
bob < {"type":"push","messageId":"message-0002","seq":$q2,...}
kill broker
expect-close alice 1006
expect-close bob 1006
start broker
peer bob
hello bob b1 with {"cursor":{"history":"$b1.history","seq":$q1}} -> {"type":"hello_ack","_reqId":"hello","presenceId":*,"memberDisplayName":"bob",
	"sessionPubkey":"$b1","roll":*,"cursor":{"history":"$b1.history","seq":$q1},"restored":true,"lastSeenAt":*}
bob < {"type":"push","messageId":"message-0002","seq":$q2,$b,...}
peer alice
hello alice s1
# nobody was here any more after the start: that is a return
event bob peer_returned s1 -> "restored":true,"lastSeenAt":*
alice > {"type":"send","_reqId":"4","id":"message-0002","targetSpec":"$b1","priority":"next",$b}
alice < {"type":"ack","_reqId":"4","duplicate":true,...}
sealed c s1 b1 message-0003 "new"
alice > {"type":"send","_reqId":"5","id":"message-0003","targetSpec":"$b1","priority":"next",$c}
alice < {"type":"ack","_reqId":"5",...}
bob < {"type":"push","messageId":"message-0003","seq":$q3,...}
differ $q2 $q3
rolled bob m

test a broker that is asked to end says so
mesh m owner alice
peer alice
hello alice s1
stop broker
expect-close alice 1001
start broker
peer alice
hello alice s1 -> {"type":"hello_ack","restored":true,...}
