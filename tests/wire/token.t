# A broker that asks for a token.
file token open-sesame
broker --create token --create-token $dir/token

test who knows the token makes a mesh
dial x sub claudemesh.2
x < {"type":"challenge","nonce":*,"version":*,"logKey":*,"now":*,"create":true}
x > {"type":"mesh_create","_reqId":"1","acts":["AAAA","AAAA"],"sealed":"AAAA"}
x < {"type":"error","_reqId":"1","code":"forbidden","message":*,"field":"token"}
x > {"type":"mesh_create","_reqId":"2","acts":["AAAA","AAAA"],"sealed":"AAAA","token":"open-sesamf"}
x < {"type":"error","_reqId":"2","code":"forbidden","message":*,"field":"token"}
mesh m owner alice token open-sesame

test the file is read again
file token close-sesame
hup broker
sleep 500
peer x
x > {"type":"mesh_create","_reqId":"1","acts":["AAAA","AAAA"],"sealed":"AAAA","token":"open-sesame"}
x < {"type":"error","_reqId":"1","code":"forbidden","message":*,"field":"token"}
mesh m owner alice token close-sesame
