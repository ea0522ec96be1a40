# Input that nobody should send. It is answered and the connection lives, or it
# is closed with the code that RFC 6455 has for it.

test what is no JSON, or not strict, or no object
peer x
x > {"type":"mesh_info","_reqId":"1"
x < {"type":"error","code":"bad_json","message":"*at byte*"}
x > {"type":"mesh_info","type":"list_peers"}
x < {"type":"error","code":"bad_json","message":"*duplicate*"}
x > {"type":"mesh_info","\u0074ype":"list_peers"}
x < {"type":"error","code":"bad_json","message":"*duplicate*"}
x > {"type":"mesh_info","_reqId":"a\u0000b"}
x < {"type":"error","code":"bad_json","message":*}
x > {"type":"mesh_info","_reqId":"\ud800"}
x < {"type":"error","code":"bad_json","message":*}
x > {"type":"mesh_info","x":$deep:31}
x < {"type":"error","code":"no_hello","message":*}
x > {"type":"mesh_info","x":$deep:33}
x < {"type":"error","code":"bad_json","message":"*32*"}
x > $deep:10000
x < {"type":"error","code":"bad_json","message":*}
x > []
x < {"type":"error","code":"bad_json","message":*}
x > "text"
x < {"type":"error","code":"bad_json","message":*}
x > {"type":"mesh_info","x":01}
x < {"type":"error","code":"bad_json","message":*}
x > {"type":"mesh_info","x":NaN}
x < {"type":"error","code":"bad_json","message":*}
x > {'type':'mesh_info'}
x < {"type":"error","code":"bad_json","message":*}
x > {"type":"mesh_info"} {"type":"mesh_info"}
x < {"type":"error","code":"bad_json","message":*}
x > {"type":"mesh_info",}
x < {"type":"error","code":"bad_json","message":*}
frame x 1
x < {"type":"error","code":"bad_json","message":*}
x > {"type":"mesh_info","_reqId":"it lives"}
x < {"type":"error","_reqId":"it lives","code":"no_hello","message":*}

test the envelope
peer x
x > {}
x < {"type":"error","code":"missing_field","message":*,"field":"type"}
x > {"_reqId":"1"}
x < {"type":"error","_reqId":"1","code":"missing_field","message":*,"field":"type"}
x > {"type":7,"_reqId":"2"}
x < {"type":"error","_reqId":"2","code":"bad_field","message":*,"field":"type"}
x > {"type":"","_reqId":"3"}
x < {"type":"error","_reqId":"3","code":"too_short","message":*,"field":"type"}
x > {"type":"$long:33","_reqId":"4"}
x < {"type":"error","_reqId":"4","code":"too_long","message":*,"field":"type"}
x > {"type":"no_such","_reqId":"5","id":"mine"}
x < {"type":"error","_reqId":"5","code":"unknown_type","message":*,"field":"type","id":"mine"}
x > {"type":"mesh_info","_reqId":7}
x < {"type":"error","code":"bad_field","message":*,"field":"_reqId"}
x > {"type":"mesh_info","_reqId":"$long:65"}
x < {"type":"error","code":"too_long","message":*,"field":"_reqId"}
x > {"type":"mesh_info","_reqId":""}
x < {"type":"error","code":"too_short","message":*,"field":"_reqId"}
x > {"type":"mesh_info","_reqId":null}
x < {"type":"error","code":"no_hello","message":*}
x > {"type":"mesh_info","_session":"$long:65","_reqId":"8"}
x < {"type":"error","_reqId":"8","code":"too_long","message":*,"field":"_session"}
x > {"type":"mesh_info","_reqId":"$long:64"}
x < {"type":"error","_reqId":"$long:64","code":"no_hello","message":*}

test what the broker never takes: replies, pushes, the daemon's rows
mesh m owner alice
peer alice
hello alice s1
alice > {"type":"push","_reqId":"1","messageId":"x"}
alice < {"type":"error","_reqId":"1","code":"unknown_type","message":*,...}
alice > {"type":"ok","_reqId":"2"}
alice < {"type":"error","_reqId":"2","code":"unknown_type","message":*,...}
alice > {"type":"local_stop","_reqId":"3"}
alice < {"type":"error","_reqId":"3","code":"unknown_type","message":*,...}
alice > {"type":"challenge","_reqId":"4","nonce":"$s1"}
alice < {"type":"error","_reqId":"4","code":"unknown_type","message":*,...}

test an id that is no text is not passed back
mesh m owner alice
peer alice
hello alice s1
alice > {"type":"send","_reqId":"1","id":["message-0001"]}
alice < {"type":"error","_reqId":"1","code":"bad_field","message":*,"field":"id"}
alice > {"type":"send","_reqId":"2","id":"$long:65"}
alice < {"type":"error","_reqId":"2","code":"too_long","message":*,"field":"id"}

test a hundred times noise, and it is closed
peer x
repeat 99 x > noise
repeat 99 x < {"type":"error","code":"bad_json","message":*}
# one that is understood begins the count anew
x > {"type":"mesh_info","_reqId":"1"}
x < {"type":"error","_reqId":"1","code":"no_hello",...}
repeat 100 x > noise
repeat 100 x < {"type":"error","code":"bad_json","message":*}
expect-close x 1008 "noise"

test the largest frame, and one byte more
peer x
big x 1048576 {"type":"mesh_info","_reqId":"1"}
x < {"type":"error","_reqId":"1","code":"no_hello","message":*}
big x 1048577 {"type":"mesh_info"}
expect-close x 1009

test a frame that says it is huge is not waited for
peer x
raw x 81ff000001000000000000000000
expect-close x 1009

test fragments that are too much together
peer x
# a first fragment without FIN, then one that would pass the limit
raw x 01800000000080ff000000000010000100000000
expect-close x 1009

test bad UTF-8 is 1007
peer x
frame x 1 7b22747970652265ff7d
expect-close x 1007

test UTF-8 that is too long, surrogates, beyond the end
peer a
frame a 1 22c0af22
expect-close a 1007
peer b
frame b 1 22eda08022
expect-close b 1007
peer c
frame c 1 22f490808022
expect-close c 1007
peer d
frame d 1 e282
expect-close d 1007

test binary is 1003
peer x
frame x 2 7b7d
expect-close x 1003

test a frame without a mask, a reserved bit, an unknown opcode: 1002
peer a
raw a 81027b7d
expect-close a 1002
peer b
raw b c18200000000aaaa
expect-close b 1002
peer c
raw c 838000000000
expect-close c 1002
peer d
# a control frame in two fragments
raw d 098000000000
expect-close d 1002
peer e
# a continuation of nothing
raw e 808000000000
expect-close e 1002
peer f
# a close frame of one byte
raw f 88810000000003
expect-close f 1002
peer g
# a code that nobody may send
raw g 88820000000003ed
expect-close g 1002

test what stood before a violation is carried out
mesh m owner alice
peer alice
hello alice s1
alice > {"type":"set_summary","_reqId":"1","summary":"last words"}
frame alice 2 00
alice < {"type":"ok","_reqId":"1"}
expect-close alice 1003
peer bob
hello bob s2 of alice daemon two
bob > {"type":"list_peers","_reqId":"2"}
bob < {"type":"peers_list","_reqId":"2","peers":[{"pubkey":"$s1","summary":"last words","online":false,...},*]}

test a message in fragments, a ping in between
mesh m owner alice
peer alice
hello alice s1
raw alice 0189000000007b2274797065223a22
raw alice 898000000000
raw alice 808b000000006d6573685f696e666f227d
alice < {"type":"mesh_info_result","yourName":"s1",...}

test many requests in one go are answered in their order
mesh m owner alice
peer alice
hello alice s1
repeat 300 alice > {"type":"set_summary","_reqId":"r$i","summary":"$i"}
alice > {"type":"list_peers","_reqId":"last"}
repeat 300 alice < {"type":"ok","_reqId":"r$i"}
alice < {"type":"peers_list","_reqId":"last","peers":[{"summary":"300",...}]}

test other doors
dial b sub claudemesh.9 refused 400 "claudemesh.2"
dial c sub claudemesh.1 refused 400 "claudemesh.2"
dial d sub CLAUDEMESH.2 refused 400 "claudemesh.2"
dial e path / sub claudemesh.2 refused 404
dial f path /ws/ sub claudemesh.2 refused 404
# among others it is found
dial g sub claudemesh.1,claudemesh.2
g < {"type":"challenge",...}
