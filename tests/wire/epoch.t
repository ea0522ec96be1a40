# The turn of the epoch: keys are staged, an act makes them current.

test a member is removed, and the epoch turns
mesh m owner alice
join bob m
join carol m
peer carol
hello carol c1
peer bob
hello bob b1
event carol peer_joined b1
peer alice
hello alice s1
event carol peer_joined s1
event bob peer_joined s1
seal ka m alice
seal kc m carol
alice > {"type":"epoch_stage","_reqId":"1","epoch":2,"first":true,"prev":"PPPP","keys":[{"key":"$alice","sealed":"$ka"}]}
alice < {"type":"ok","_reqId":"1"}
alice > {"type":"epoch_stage","_reqId":"2","epoch":2,"keys":[{"key":"$carol","sealed":"$kc"}]}
alice < {"type":"ok","_reqId":"2"}
key h
# not the keys that were staged
act a m alice {"kind":"remove","member":"$bob","epoch":2,"epochHash":"$h","keys":2,"keysHash":"$h"}
alice > {"type":"roll_append","_reqId":"3","act":"$a"}
alice < {"type":"error","_reqId":"3","code":"roll_conflict","message":"*other keys than the 2 staged","field":"keysHash"}
sum sum prev PPPP $alice $ka $carol $kc
act a m alice {"kind":"remove","member":"$bob","epoch":2,"epochHash":"$h","keys":2,"keysHash":"$sum"}
alice > {"type":"roll_append","_reqId":"4","act":"$a"}
alice < {"type":"roll_appended","_reqId":"4",...}
alice < {"type":"roll_changed",...}
carol < {"type":"roll_changed",...}
bob << {"type":"session_ended","pubkey":"$b1","reason":"removed","by":"s1",...}
carol << {"type":"push","subtype":"system","event":"peer_left",...}
alice << {"type":"push","subtype":"system","event":"peer_left",...}
# of the new epoch the sealed copies, and what leads to the one before
carol > {"type":"epoch_waiting","_reqId":"5"}
carol < {"type":"epoch_waiters","_reqId":"5","epoch":2,"members":2,"waiting":["$carol"]}
carol > {"type":"epoch_get","_reqId":"6","epoch":2}
carol < {"type":"epoch_key","_reqId":"6","epoch":2,"sealed":"$kc","prev":"PPPP"}
carol > {"type":"epoch_waiting","_reqId":"7"}
carol < {"type":"epoch_waiters","_reqId":"7","epoch":2,"members":2,"waiting":[]}
carol > {"type":"epoch_waiting","_reqId":"7b","_session":"nobody"}
carol < {"type":"error","_reqId":"7b","code":"no_session",...}
carol > {"type":"epoch_get","_reqId":"8","epoch":1}
carol < {"type":"error","_reqId":"8","code":"not_found",...}
# he is out
drop bob
peer bob
hello bob b2 -> {"type":"error","code":"revoked","message":"this member was removed from the mesh","field":"memberPubkey",...}
rolled carol m

test who is left out, and who may not
mesh m owner alice
join bob m
join carol m
peer bob
hello bob b1
peer alice
hello alice s1
event bob peer_joined s1
seal ka m alice
seal kb m bob
key h
bob > {"type":"epoch_stage","_reqId":"1","epoch":2,"first":true,"prev":"PPPP"}
bob < {"type":"error","_reqId":"1","code":"forbidden",...}
alice > {"type":"epoch_stage","_reqId":"1","epoch":3,"first":true,"prev":"PPPP"}
alice < {"type":"error","_reqId":"1","code":"out_of_range","message":"the next epoch is 2","field":"epoch"}
alice > {"type":"epoch_stage","_reqId":"2","epoch":2,"keys":[{"key":"$h","sealed":"$ka"}]}
alice < {"type":"error","_reqId":"2","code":"roll_conflict","message":"keys[0] is no key of the roll","field":"keys"}
# carol would be without a key
alice > {"type":"epoch_stage","_reqId":"3","epoch":2,"first":true,"prev":"PPPP","keys":[{"key":"$alice","sealed":"$ka"},{"key":"$bob","sealed":"$kb"}]}
alice < {"type":"ok","_reqId":"3"}
sum sum prev PPPP $alice $ka $bob $kb
act a m alice {"kind":"rotate","epoch":2,"epochHash":"$h","keys":2,"keysHash":"$sum"}
alice > {"type":"roll_append","_reqId":"4","act":"$a"}
alice < {"type":"error","_reqId":"4","code":"roll_conflict","message":"1 members and 0 invites would be without a key","field":"keys"}
# a key for him who is put out
act a m alice {"kind":"remove","member":"$bob","epoch":2,"epochHash":"$h","keys":2,"keysHash":"$sum"}
alice > {"type":"roll_append","_reqId":"5","act":"$a"}
alice < {"type":"error","_reqId":"5","code":"roll_conflict","message":"a key was staged for somebody who is out","field":"keys"}
quiet bob alice

test a member is added by its key
mesh m owner alice
join bob m
peer bob
hello bob b1
peer alice
hello alice s1
event bob peer_joined s1
key olga
seal ko m olga
act a m alice {"kind":"add","member":"$olga","name":"olga"}
alice > {"type":"roll_append","_reqId":"1","act":"$a","sealed":[{"key":"$olga","sealed":"$ko"}]}
alice < {"type":"roll_appended","_reqId":"1",...}
alice < {"type":"roll_changed",...}
bob < {"type":"roll_changed",...}
bob > {"type":"epoch_waiting","_reqId":"2"}
bob < {"type":"epoch_waiters","_reqId":"2","epoch":1,"members":3,"waiting":["$olga"]}
# a key is replaced by the recovery key or an admin; the old one's sessions end
key fresh
act b m alice+fresh {"kind":"replace","old":"$bob","member":"$fresh"}
alice > {"type":"roll_append","_reqId":"3","act":"$b"}
alice < {"type":"roll_appended","_reqId":"3",...}
bob << {"type":"session_ended","pubkey":"$b1","reason":"removed","by":"s1",...}
alice << {"type":"push","subtype":"system","event":"peer_left",...}
