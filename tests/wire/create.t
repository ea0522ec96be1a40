# A broker that lets nobody make meshes.
broker --create none

test nobody makes meshes here
dial x sub claudemesh.2
x < {"type":"challenge","nonce":*,"version":*,"logKey":*,"now":*,"create":false}
x > {"type":"mesh_create","_reqId":"1","acts":["AAAA","AAAA"],"sealed":"AAAA"}
x < {"type":"error","_reqId":"1","code":"forbidden","message":*}
x > {"type":"mesh_create","_reqId":"2","acts":["AAAA","AAAA"],"sealed":"AAAA","token":"please"}
x < {"type":"error","_reqId":"2","code":"forbidden","message":*}
