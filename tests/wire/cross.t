# Nobody reaches into another mesh. carol is owner, admin and member of n, and
# knows every id of m. Each row that needs a session is tried (tried-all): what
# she is answered tells nothing of m, and what alice sees of m does not change.

test every request, naming the other mesh's things
mesh m owner alice
join bob m
mesh n owner carol
peer alice
hello alice s1
peer bob
hello bob b1
event alice peer_joined b1
peer carol
hello carol c1
set watched message-0001
sealed w s1 b1 message-0001 "private"
alice > {"type":"send","_reqId":"w","id":"message-0001","targetSpec":"$b1","priority":"next",$w}
alice < {"type":"ack","_reqId":"w",...}
bob < {"type":"push","messageId":"message-0001","seq":$seq,...}
alice > {"type":"set_state","_reqId":"st","key":"secret","value":"private"}
alice << {"type":"state_change",...}
bob < {"type":"state_change",...}
set history $b1.history
# asked for, or as if it were, by m's sessions
try carol against m by alice {"type":"session_show","pubkey":"$s1"}
try carol against m by alice {"type":"list_peers"}
try carol against m by alice {"type":"list_peers","_session":"$s1"}
try carol against m by alice {"type":"list_peers","meshId":"$m"}
try carol against m by alice {"type":"mesh_info"}
try carol against m by alice {"type":"mesh_info","_session":"$b1"}
try carol against m by alice {"type":"mesh_info","mesh":"$m","meshId":"$m"}
try carol against m by alice {"type":"message_status","messageId":"message-0001"}
try carol against m by alice {"type":"epoch_get","epoch":1}
try carol against m by alice {"type":"epoch_waiting","_session":"$s1"}
try carol against m by alice {"type":"roll_get","meshId":"$m","from":0}
# said to
try carol against m by alice {"type":"kick","target":"$b1"}
try carol against m by alice {"type":"kick","target":"$s1","_session":"$s1"}
sealed x c1 b1 message-0009 "intruder"
try carol against m by alice {"type":"send","id":"message-0009","targetSpec":"$b1","priority":"now",$x}
carol > {"type":"send","_reqId":"x","id":"message-0010","targetSpec":"$bob","priority":"now",$x,"copies":[{"targetSpec":"$s1",$x},{"targetSpec":"$alice",$x}]}
carol < {"type":"ack","_reqId":"x","queued":false,"recipients":[{"receipt":"refused",...},{"receipt":"refused",...},{"receipt":"refused",...}],...}
try carol against m by alice {"type":"set_status","status":"dnd","_session":"$s1"}
try carol against m by alice {"type":"set_summary","summary":"hacked","_session":"$s1"}
try carol against m by alice {"type":"set_visible","visible":false,"_session":"$b1"}
try carol against m by alice {"type":"set_profile","title":"hacked","_session":"$s1"}
try carol against m by alice {"type":"session_end","_session":"$b1"}
sign att attest carol {"mesh":"$m","member":"$alice","session":"$s1","name":"evil","issuedAt":"$now","expiresAt":"$now+1h"}
try carol against m by alice {"type":"attest","attestation":"$att"}
try carol against m by alice {"type":"attest","attestation":"$att","_session":"$s1"}
# receipts and cursors
sign r receipt c1 {"mesh":"$n","from":"$s1","by":"$c1","rung":"delivered","ids":["message-0001"],"at":"$now"}
try carol against m by alice {"type":"client_ack","receipts":["$r"]}
sign r receipt c1 {"mesh":"$m","from":"$s1","by":"$c1","rung":"delivered","ids":["message-0001"],"at":"$now"}
try carol against m by alice {"type":"client_ack","receipts":["$r"]}
# even one that bob has signed is not carol's to hand in
sign r receipt b1 {"mesh":"$m","from":"$s1","by":"$b1","rung":"delivered","ids":["message-0001"],"at":"$now"}
try carol against m by alice {"type":"client_ack","receipts":["$r"],"cursor":{"history":"$history","seq":$seq}}
# the roll and its keys
act a m carol {"kind":"settings","name":"carol's"}
try carol against m by alice {"type":"roll_append","act":"$a"}
act a m n.owner {"kind":"admin","member":"$carol","name":"carol"}
try carol against m by alice {"type":"roll_append","act":"$a"}
# what alice has signed for m is nothing to n
act a m alice {"kind":"settings","name":"stolen"}
try carol against m by alice {"type":"roll_append","act":"$a"}
seal k n carol
try carol against m by alice {"type":"epoch_put","epoch":1,"sealed":"$k"}
try carol against m by alice {"type":"epoch_stage","epoch":2,"first":true,"prev":"$k","keys":[{"key":"$alice","sealed":"$k"}]}
sign d delete n.owner {"url":"$url","mesh":"$m","challenge":"$carol.nonce"}
try carol against m by alice {"type":"mesh_delete","proof":"$d"}
# the open rows, too
try carol against m by alice {"type":"mesh_join","meshId":"$m","act":"$a","sealed":"$k"}
try carol against m by alice {"type":"session_hello","meshId":"$m","memberPubkey":"$alice","sessionPubkey":"$s1","attestation":"$att","proof":"$d","daemonId":"daemon-of-alice-0001"}
try carol against m by alice {"type":"set_stats","stats":{"errors":1},"_session":"$s1"}
try carol against m by alice {"type":"join_group","name":"spies","_session":"$s1"}
try carol against m by alice {"type":"leave_group","name":"ops","_session":"$s1"}
try carol against m by alice {"type":"set_tags","tags":["a=b"],"_session":"$s1"}
try carol against m by alice {"type":"list_groups","_session":"$s1"}
try carol against m by alice {"type":"list_receipts","_session":"$s1"}
try carol against m by alice {"type":"get_state","key":"secret","_session":"$s1"}
try carol against m by alice {"type":"get_state","key":"secret"}
try carol against m by alice {"type":"list_state"}
try carol against m by alice {"type":"delete_state","key":"secret"}
try carol against m by alice {"type":"set_state","key":"secret","value":1,"_session":"$s1"}
try carol against m by alice {"type":"recall","query":"private","_session":"$s1"}
try carol against m by alice {"type":"recall"}
try carol against m by alice {"type":"remember","id":"memory-0001","content":"spied","_session":"$s1"}
try carol against m by alice {"type":"forget","memoryId":"memory-0001"}
tried-all
# nobody in m heard of any of it, and the mail is where it was
quiet alice bob
rolled alice m
bob > {"type":"epoch_get","_reqId":"e","epoch":1}
bob < {"type":"epoch_key","_reqId":"e","epoch":1,"sealed":"$k2"}
unseal m bob $k2
drop bob
peer bob
hello bob b1
bob < {"type":"push","messageId":"message-0001","seq":$seq,$w,...}
