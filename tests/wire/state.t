# Shared state: signed values under keys, versions that only grow.

test set, get, change, delete
mesh m owner alice
join bob m
peer alice
hello alice s1
peer bob
hello bob b1
event alice peer_joined b1
set v {"b":1.0, "a":[ 1e3,"é\u00e9" ]}
record r state s1 "deploy plan" 1 $v
alice > {"type":"set_state","_reqId":"1","key":"deploy plan","value":$v,"doc":"$r"}
alice < {"type":"ok","_reqId":"1"}
# byte for byte, and to everybody, the writer too
alice << {"type":"state_change","meshId":"$m","key":"deploy plan","value":$v,"updatedBy":"s1","updatedAt":*,"version":1,"doc":"$r","attestation":*}
bob < {"type":"state_change","meshId":"$m","key":"deploy plan","value":$v,"updatedBy":"s1","updatedAt":*,"version":1,"doc":"$r","attestation":*}
bob > {"type":"get_state","_reqId":"1","key":"deploy plan"}
bob < {"type":"state_result","_reqId":"1","key":"deploy plan","value":$v,"updatedBy":"s1","updatedAt":*,"version":1,"doc":"$r","attestation":*}
# said again: answered the same, and nobody hears of it twice
alice > {"type":"set_state","_reqId":"2","key":"deploy plan","value":$v,"doc":"$r"}
alice < {"type":"ok","_reqId":"2"}
# bob did not see it change
record r state b1 "deploy plan" 1 true
bob > {"type":"set_state","_reqId":"2","key":"deploy plan","value":true,"doc":"$r"}
bob < {"type":"error","_reqId":"2","code":"conflict","message":"*1 now*next is 2*","field":"doc"}
record r state b1 "deploy plan" 2 true
bob > {"type":"set_state","_reqId":"3","key":"deploy plan","value":true,"doc":"$r"}
bob << {"type":"ok","_reqId":"3"}
alice < {"type":"state_change","key":"deploy plan","value":true,"updatedBy":"b1","version":2,...}
record d state s1 "deploy plan" 3 null
alice > {"type":"delete_state","_reqId":"3","key":"deploy plan","doc":"$d"}
alice << {"type":"ok","_reqId":"3"}
bob << {"type":"state_change","key":"deploy plan","value":null,"updatedBy":"s1","version":3,"deleted":true,...}
bob > {"type":"get_state","_reqId":"4","key":"deploy plan"}
bob < {"type":"state_result","_reqId":"4","key":"deploy plan","value":null,"updatedBy":"s1","updatedAt":*,"version":3,"doc":"$d","attestation":*,"deleted":true}
alice > {"type":"delete_state","_reqId":"4","key":"deploy plan","doc":"$d"}
alice << {"type":"ok","_reqId":"4"}
record d state s1 "deploy plan" 4 null
alice > {"type":"delete_state","_reqId":"5","key":"deploy plan","doc":"$d"}
alice < {"type":"error","_reqId":"5","code":"not_found","message":*,"field":"key"}
# the version goes on
record r state b1 "deploy plan" 4 null
bob > {"type":"set_state","_reqId":"5","key":"deploy plan","value":null}
bob < {"type":"ok","_reqId":"5"}
bob << {"type":"state_change","key":"deploy plan","value":null,"version":4,...}
alice << {"type":"state_change","meshId":"$m","key":"deploy plan","value":null,"updatedBy":"b1","updatedAt":*,"version":4}
bob > {"type":"get_state","_reqId":"6","key":"never"}
bob < {"type":"state_result","_reqId":"6","key":"never","value":null,"updatedBy":"","version":0}
bob > {"type":"get_state","_reqId":"7","key":""}
bob < {"type":"error","_reqId":"7","code":"too_short","message":*,"field":"key"}
quiet alice bob

test lists, prefixes, pages
mesh m owner alice
peer alice
hello alice s1
alice > {"type":"list_state","_reqId":"0"}
alice < {"type":"state_list","_reqId":"0","entries":[]}
alice > {"type":"set_state","_reqId":"1","key":"vote:b","value":"no"}
alice << {"type":"state_change",...}
alice > {"type":"set_state","_reqId":"2","key":"vote:a","value":"yes"}
alice << {"type":"state_change",...}
alice > {"type":"set_state","_reqId":"3","key":"vote","value":0}
alice << {"type":"state_change",...}
alice > {"type":"set_state","_reqId":"4","key":"é","value":{}}
alice << {"type":"state_change",...}
alice > {"type":"list_state","_reqId":"5"}
alice < {"type":"state_list","_reqId":"5","entries":[{"key":"vote",...},{"key":"vote:a","value":"yes","updatedBy":"s1","updatedAt":*,"version":1},{"key":"vote:b",...},{"key":"é",...}]}
alice > {"type":"list_state","_reqId":"6","prefix":"vote:"}
alice < {"type":"state_list","_reqId":"6","entries":[{"key":"vote:a",...},{"key":"vote:b",...}]}
alice > {"type":"list_state","_reqId":"7","limit":2}
alice < {"type":"state_list","_reqId":"7","entries":[{"key":"vote",...},{"key":"vote:a",...}],"more":true}
alice > {"type":"list_state","_reqId":"8","limit":2,"after":"vote:a"}
alice < {"type":"state_list","_reqId":"8","entries":[{"key":"vote:b",...},{"key":"é",...}]}
alice > {"type":"delete_state","_reqId":"9","key":"vote:b"}
alice << {"type":"state_change","deleted":true,...}
alice > {"type":"list_state","_reqId":"10","prefix":"vote:"}
alice < {"type":"state_list","_reqId":"10","entries":[{"key":"vote:a",...}]}
alice > {"type":"list_state","_reqId":"11","limit":1001}
alice < {"type":"error","_reqId":"11","code":"out_of_range","message":*,"field":"limit"}

test what is signed must be what is said
mesh m owner alice
join bob m
peer alice
hello alice s1
peer bob
hello bob b1
event alice peer_joined b1
record r state s1 k 1 1
alice > {"type":"set_state","_reqId":"1","key":"k","value":2,"doc":"$r"}
alice < {"type":"error","_reqId":"1","code":"bad_field","message":"*another value*","field":"doc"}
alice > {"type":"set_state","_reqId":"2","key":"K","value":1,"doc":"$r"}
alice < {"type":"error","_reqId":"2","code":"bad_field","message":"*another key*","field":"doc"}
alice > {"type":"delete_state","_reqId":"3","key":"k","doc":"$r"}
alice < {"type":"error","_reqId":"3","code":"not_found","message":*,"field":"key"}
bob > {"type":"set_state","_reqId":"4","key":"k","value":1,"doc":"$r"}
bob < {"type":"error","_reqId":"4","code":"bad_signature","message":*,"field":"doc"}
record r memory s1 k 1 1
alice > {"type":"set_state","_reqId":"5","key":"k","value":1,"doc":"$r"}
alice < {"type":"error","_reqId":"5","code":"bad_signature","message":*,"field":"doc"}
record r state s1 k 1 1 {"member":"$bob"}
alice > {"type":"set_state","_reqId":"6","key":"k","value":1,"doc":"$r"}
alice < {"type":"error","_reqId":"6","code":"bad_field","message":*,"field":"doc"}
record r state s1 k 1 1 {"at":"$now-1h"}
alice > {"type":"set_state","_reqId":"7","key":"k","value":1,"doc":"$r"}
alice < {"type":"error","_reqId":"7","code":"bad_field","message":"*clocks*","field":"doc"}
record r state s1 k 1 1 {"roll":{"n":99,"head":"$s1"}}
alice > {"type":"set_state","_reqId":"8","key":"k","value":1,"doc":"$r"}
alice < {"type":"error","_reqId":"8","code":"bad_field","message":"*roll*","field":"doc"}
record r state s1 k 7 1
alice > {"type":"set_state","_reqId":"9","key":"k","value":1,"doc":"$r"}
alice < {"type":"error","_reqId":"9","code":"conflict","message":*,"field":"doc"}
alice > {"type":"set_state","_reqId":"10","key":"two\nlines","value":1}
alice < {"type":"error","_reqId":"10","code":"bad_field","message":*,"field":"key"}
alice > {"type":"set_state","_reqId":"11","key":"k","value":"$long:32767"}
alice < {"type":"error","_reqId":"11","code":"too_long","message":"*32768*","field":"value"}
alice > {"type":"set_state","_reqId":"12","key":"k"}
alice < {"type":"error","_reqId":"12","code":"missing_field","message":*,"field":"value"}
quiet alice bob

test who may only read does not write; what was signed outlives the session
mesh m owner alice
join bob m
peer alice
hello alice s1
peer bob
hello bob b1 attest {"capabilities":["read"]}
event alice peer_joined b1
bob > {"type":"set_state","_reqId":"1","key":"k","value":1}
bob < {"type":"error","_reqId":"1","code":"forbidden","message":*}
bob > {"type":"delete_state","_reqId":"2","key":"k"}
bob < {"type":"error","_reqId":"2","code":"forbidden","message":*}
record r state s1 k 1 5
alice > {"type":"set_state","_reqId":"1","key":"k","value":5,"doc":"$r"}
alice << {"type":"state_change","attestation":"$att",...}
bob < {"type":"state_change",...}
alice > {"type":"session_end","_reqId":"2"}
alice < {"type":"ok","_reqId":"2"}
event bob peer_left s1
bob > {"type":"get_state","_reqId":"3","key":"k"}
bob < {"type":"state_result","_reqId":"3","key":"k","value":5,"attestation":"$att",...}
