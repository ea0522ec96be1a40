# Memory: texts with tags, found by their words.

test remember, recall, forget
mesh m owner alice
join bob m
peer alice
hello alice s1
peer bob
hello bob b1
event alice peer_joined b1
record r memory s1 memory-0001 1 "Payments API rate-limits at 100 requests per second" {"tags":["payments","post mortem"]}
alice > {"type":"remember","_reqId":"1","id":"memory-0001","content":"Payments API rate-limits at 100 requests per second","tags":["payments","post mortem"],"doc":"$r"}
alice < {"type":"memory_stored","_reqId":"1","id":"memory-0001","memoryId":"memory-0001"}
alice > {"type":"remember","_reqId":"2","id":"memory-0001","content":"Payments API rate-limits at 100 requests per second","tags":["payments","post mortem"],"doc":"$r"}
alice < {"type":"memory_stored","_reqId":"2",...}
alice > {"type":"remember","_reqId":"3","id":"memory-0001","content":"another"}
alice < {"type":"error","_reqId":"3","code":"conflict","message":*,"field":"id",...}
alice > {"type":"remember","_reqId":"4","id":"memory-0002","content":"Deploys are frozen on Fridays; the request for that came from Ann","tags":["deploys"]}
alice < {"type":"memory_stored","_reqId":"4",...}
# stemmed, all words
bob > {"type":"recall","_reqId":"1","query":"requesting limit"}
bob < {"type":"memory_results","_reqId":"1","memories":[{"id":"memory-0001","content":"Payments API rate-limits at 100 requests per second","tags":["payments","post mortem"],"rememberedBy":"s1","rememberedAt":*,"version":1,"score":*,"doc":"$r","attestation":*}]}
bob > {"type":"recall","_reqId":"2","query":"\"frozen on\""}
bob < {"type":"memory_results","_reqId":"2","memories":[{"id":"memory-0002",...}]}
bob > {"type":"recall","_reqId":"3","query":"\"on frozen\""}
bob < {"type":"memory_results","_reqId":"3","memories":[]}
bob > {"type":"recall","_reqId":"4","query":"froz*"}
bob < {"type":"memory_results","_reqId":"4","memories":[{"id":"memory-0002",...}]}
# not all words anywhere: some
bob > {"type":"recall","_reqId":"5","query":"how frozen is the refrigerator"}
bob < {"type":"memory_results","_reqId":"5","memories":[{"id":"memory-0002",...},...],"loose":true}
bob > {"type":"recall","_reqId":"6","query":"request","tags":["post mortem"]}
bob < {"type":"memory_results","_reqId":"6","memories":[{"id":"memory-0001",...}]}
bob > {"type":"recall","_reqId":"7","query":"request","tags":["mortem"]}
bob < {"type":"memory_results","_reqId":"7","memories":[]}
# without a query the newest first, in pages
bob > {"type":"recall","_reqId":"8","limit":1}
bob < {"type":"memory_results","_reqId":"8","memories":[{"id":"memory-0002",...}],"next":2}
bob > {"type":"recall","_reqId":"9","limit":1,"before":2}
bob < {"type":"memory_results","_reqId":"9","memories":[{"id":"memory-0001",...}]}
bob > {"type":"recall","_reqId":"10","tags":["payments"]}
bob < {"type":"memory_results","_reqId":"10","memories":[{"id":"memory-0001",...}]}
# nothing of FTS5's language gets through
bob > {"type":"recall","_reqId":"11","query":"("}
bob < {"type":"error","_reqId":"11","code":"bad_field","message":"*no word*","field":"query"}
bob > {"type":"recall","_reqId":"12","query":"NEAR(frozen fridays) AND content:x OR -y ^z * \" ' ;"}
bob < {"type":"memory_results","_reqId":"12","memories":[...],...}
bob > {"type":"recall","_reqId":"13","query":"$long:1025"}
bob < {"type":"error","_reqId":"13","code":"too_long","message":"*1024*","field":"query"}
bob > {"type":"recall","_reqId":"14","query":"a b c d e f g h i j k l m n o p q"}
bob < {"type":"error","_reqId":"14","code":"too_broad","message":"*16*","field":"query"}
# anybody forgets, and it is not found any more
record f memory b1 memory-0001 2 null
bob > {"type":"forget","_reqId":"15","memoryId":"memory-0001","doc":"$f"}
bob < {"type":"ok","_reqId":"15"}
bob > {"type":"forget","_reqId":"16","memoryId":"memory-0001","doc":"$f"}
bob < {"type":"ok","_reqId":"16"}
bob > {"type":"forget","_reqId":"17","memoryId":"memory-0001"}
bob < {"type":"error","_reqId":"17","code":"not_found","message":*,"field":"memoryId"}
alice > {"type":"recall","_reqId":"5","query":"payments"}
alice < {"type":"memory_results","_reqId":"5","memories":[]}
alice > {"type":"remember","_reqId":"6","id":"bad id!!","content":"x"}
alice < {"type":"error","_reqId":"6","code":"bad_field","message":*,"field":"id",...}
record r memory s1 memory-0003 1 "x"
alice > {"type":"remember","_reqId":"7","id":"memory-0003","content":"x","tags":["t"],"doc":"$r"}
alice < {"type":"error","_reqId":"7","code":"bad_field","message":"*tags*","field":"doc",...}
alice > {"type":"remember","_reqId":"8","id":"memory-0003","content":"y","doc":"$r"}
alice < {"type":"error","_reqId":"8","code":"bad_field","message":*,"field":"doc",...}
quiet alice bob
