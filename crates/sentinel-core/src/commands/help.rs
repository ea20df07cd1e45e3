//! SENTINEL HELP.

use alloc::vec::Vec;

use picket_resp::Reply;
use picket_server_core::help;

/// The reply: each subcommand with a line that explains it.
pub(super) fn reply() -> Reply {
    help("sentinel", &SUBCOMMANDS.lines().collect::<Vec<_>>())
}

const SUBCOMMANDS: &str = "\
CKQUORUM <master-name>
    Say whether the reachable Sentinels suffice for the quorum and for a majority.
CONFIG GET <param> [<param> ...]
    Show settings of this Sentinel; glob patterns are welcome.
CONFIG SET <param> <value> [<param> <value> ...]
    Change settings of this Sentinel, all of them or none.
DEBUG [<param> <milliseconds> ...]
    Show the periods and timeouts in use, or change some until the next start.
FAILOVER <master-name> [COORDINATED] [TO <ip> <port>] [TIMEOUT <milliseconds>]
    Promote a replica now, whether or not other Sentinels agree. TO: this one. COORDINATED: the master hands
    over, so that no write is lost; it keeps its role if the replica cannot catch up while writes are held
    back, for TIMEOUT at most.
FLUSHCONFIG
    Write the present state into the config file.
FORGET <master-name> REPLICA <ip>:<port>|<runid>
FORGET <master-name> SENTINEL <ip>:<port>|<runid>
    Forget one that is gone for good; say so to each Sentinel. One that lives would be known again, and is
    refused: a Sentinel that announces itself, a replica that the master lists.
GET-MASTER-ADDR-BY-NAME <master-name>
    Tell the IP and port at which the master is to be found.
INFO-CACHE <master-name> [<master-name> ...]
    Show the last INFO of masters and their replicas, and its age.
IS-MASTER-DOWN-BY-ADDR <ip> <port> <current-epoch> <runid>
    Say whether this Sentinel takes the master for down; vote if a run id is given.
MASTER <master-name>
    Show what is known of one master.
MASTERS
    Show what is known of every master.
MONITOR <name> <ip> <port> <quorum>
    Begin to watch a master.
MYID
    Tell the id of this Sentinel.
PENDING-SCRIPTS
    Show the scripts that run or wait to.
REMOVE <master-name>
    End watching a master.
REPLICAS <master-name>
    Show what is known of the replicas of a master.
RESET <pattern>
    Forget replicas and Sentinels of the masters whose names match.
SENTINELS <master-name>
    Show what is known of the other Sentinels that watch a master.
SET <master-name> <option> <value> [<option> <value> ...]
    Change settings of one master.
SIMULATE-FAILURE [CRASH-AFTER-ELECTION] [CRASH-AFTER-PROMOTION] [HELP]
    Crash on purpose at that point of the next failover.";
