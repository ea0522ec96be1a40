# Dialect 1: clients of the protocol's version 1, in a mesh that lets them in.

test off by default, and only for those who were added
mesh m owner alice
peer alice
hello alice s1
key carl dora
act a m m.owner {"kind":"add","member":"$carl","name":"carl","oldClient":true}
alice > {"type":"roll_append","_reqId":"1","act":"$a"}
alice < {"type":"roll_appended","_reqId":"1",...}
alice < {"type":"roll_changed",...}
old c c1 carl
c < {"type":"error","code":"old_client","message":"*old-clients on*"}
expect-close c 1008 "old_client"
act o m m.owner {"kind":"settings","oldClients":"on"}
alice > {"type":"roll_append","_reqId":"2","act":"$o"}
alice < {"type":"roll_appended","_reqId":"2",...}
alice < {"type":"roll_changed",...}
old d d1 dora
d < {"type":"error","code":"not_member",...}
expect-close d 1008
old e e1 alice
e < {"type":"error","code":"old_client","message":"*--old-client*"}
expect-close e 1008
old f f1 carl with {"timestamp":1}
f < {"type":"error","code":"expired",...}
expect-close f 1008
old g g1 carl with {"memberId":"another"}
g < {"type":"error","code":"bad_signature",...}
expect-close g 1008
dial h
h > {"type":"list_peers","_reqId":"x"}
h < {"type":"error","_reqId":"x","code":"no_hello",...}
# a session key that was proven cannot be claimed
old i s1 carl
i < {"type":"error","code":"forbidden",...}
expect-close i 1008
old c c1 carl
c < {"type":"hello_ack","presenceId":*,"memberDisplayName":"c1","memberProfile":*,"services":[]}
alice < {"type":"push","event":"peer_joined",...}
# nor said twice
dial k
k > $c.signed
k < {"type":"error","code":"bad_signature",...}
expect-close k 1008
close c 1000
alice < {"type":"push","event":"peer_left",...}
# off again: whoever is there goes
old c c1 carl
c < {"type":"hello_ack",...}
alice < {"type":"push","event":"peer_joined",...}
act p m m.owner {"kind":"settings","oldClients":"off"}
alice > {"type":"roll_append","_reqId":"3","act":"$p"}
alice < {"type":"roll_appended","_reqId":"3",...}
alice < {"type":"roll_changed",...}
alice << {"type":"push","event":"peer_left",...}
expect-close c 4002

test what they say and hear
mesh m owner alice
peer alice
hello alice s1
key carl dora
act a m m.owner {"kind":"add","member":"$carl","name":"carl","oldClient":true}
alice > {"type":"roll_append","_reqId":"1","act":"$a"}
alice < {"type":"roll_appended","_reqId":"1",...}
alice < {"type":"roll_changed",...}
act b m m.owner {"kind":"add","member":"$dora","name":"dora","oldClient":true}
alice > {"type":"roll_append","_reqId":"2","act":"$b"}
alice < {"type":"roll_appended","_reqId":"2",...}
alice < {"type":"roll_changed",...}
act o m m.owner {"kind":"settings","oldClients":"on"}
alice > {"type":"roll_append","_reqId":"3","act":"$o"}
alice < {"type":"roll_appended","_reqId":"3",...}
alice < {"type":"roll_changed",...}
old c c1 carl
c < {"type":"hello_ack",...}
alice < {"type":"push","event":"peer_joined",...}
old d d1 dora
d < {"type":"hello_ack",...}
alice < {"type":"push","event":"peer_joined",...}
c < {"type":"push","senderPubkey":"system","subtype":"system","event":"peer_joined","eventData":{"name":"d1","displayName":"d1","pubkey":"$d1",...},"nonce":"","ciphertext":"",...}
# the list: all the fields they look for
c > {"type":"list_peers","_reqId":"l"}
c < {"type":"peers_list","_reqId":"l","peers":[{"pubkey":"$s1","memberPubkey":"$alice","displayName":"s1","status":"idle","summary":null,"groups":[],"peerRole":"session",...},
	{"pubkey":"$c1","peerRole":"service","channel":"sdk","cwd":"",...},{"pubkey":"$d1",...}]}
alice > {"type":"list_peers","_reqId":"l"}
alice < {"type":"peers_list","_reqId":"l","peers":[{"pubkey":"$s1","attestation":*,...},{"pubkey":"$c1",...},{"pubkey":"$d1",...}]}
# no answer
c > {"type":"set_summary","summary":"old"}
c > {"type":"set_status","status":"working"}
c > {"type":"join_group","name":"crew"}
d > {"type":"join_group","name":"crew"}
c > {"type":"nobody_knows_this","_reqId":"u"}
c > {"type":"client_ack","brokerMessageId":"x"}
c > {"type":"set_profile","title":"t","_reqId":"p"}
c << {"type":"ack","id":"p","messageId":"","queued":false,"_reqId":"p"}
d > {"type":"list_peers"}
d << {"type":"peers_list",...}
# theirs is not ours
c > {"type":"roll_append","act":"x","_reqId":"r"}
c << {"type":"error","code":"old_client","message":*,"_reqId":"r"}
# direct, both ways, and from old to old
bare x c1 s1 "from the old"
c > {"type":"send","id":"7","targetSpec":"$s1","priority":"now",$x}
c << {"type":"ack","id":"7","messageId":"$mid","queued":true}
alice << {"type":"push","messageId":"$mid","senderPubkey":"$c1","senderMemberPubkey":"$carl",$x,...}
opens-bare alice s1 "from the old"
bare y s1 c1 "to the old"
alice > {"type":"send","_reqId":"4","id":"to-the-old-1","targetSpec":"$c1","priority":"next",$y}
alice << {"type":"ack","_reqId":"4","queued":true,...}
c << {"type":"push","messageId":"to-the-old-1","senderPubkey":"$s1",$y,...}
opens-bare c c1 "to the old"
bare z d1 c1 "old to old"
d > {"type":"send","id":"8","targetSpec":"$c1","priority":"next",$z}
d << {"type":"ack","id":"8","queued":true,...}
c << {"type":"push","senderPubkey":"$d1",$z,...}
d > {"type":"send","id":"9","targetSpec":"nobody","priority":"next",$z}
d << {"type":"error","code":"not_sent","message":"*invalid*","id":"9"}
d < {"type":"ack","id":"9","messageId":"","queued":false,"error":"*invalid*"}
# to all old ones, and no others
d > {"type":"send","id":"10","targetSpec":"*","priority":"next","nonce":"","ciphertext":"aGVsbG8="}
d << {"type":"ack","id":"10","queued":true,...}
c << {"type":"push","senderPubkey":"$d1","senderName":"d1","targetSpec":"*","ciphertext":"aGVsbG8=",...}
d > {"type":"send","id":"11","targetSpec":"@crew","priority":"next","nonce":"","ciphertext":"aGVsbG8="}
d << {"type":"ack","id":"11","queued":true,...}
c << {"type":"push","targetSpec":"@crew",...}
d > {"type":"send","id":"12","targetSpec":"@none","priority":"next","nonce":"","ciphertext":"aGVsbG8="}
d << {"type":"ack","id":"12","queued":true,...}
# state
c > {"type":"set_state","key":"build","value":{"ok":true}}
d << {"type":"state_change","key":"build","value":{"ok":true},"updatedBy":"c1",...}
d > {"type":"get_state","key":"build","_reqId":"g"}
d << {"type":"state_result","_reqId":"g","key":"build","value":{"ok":true},"updatedBy":"c1",...}
close d 1000
c << {"type":"push","event":"peer_left",...}
alice << {"type":"state_change",...}
alice << {"type":"push","event":"peer_left",...}
close c 1000
alice << {"type":"push","event":"peer_left",...}
