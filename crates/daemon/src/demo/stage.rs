//! The deployment of the demo, and what is done to it.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use picket_sansio::Time;
use picket_sentinel_core::{Event, Periods};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::client::{Client, PATIENCE, ask};
use super::look::{follows, knows_all, offset};
use super::sentinels::{Player, Watch};
use super::server::{Server, check, free_addresses};
use super::story::{Story, sentence};
use super::writer::{Ledger, key, write_steadily};
use super::{DemoOptions, out};
use crate::errno::strerror;
use crate::host::Clock;

const MASTER_NAME: &str = "mymaster";
const SENTINELS: [&str; 3] = ["sentinel-1", "sentinel-2", "sentinel-3"];
const QUORUM: u32 = 2;
/// Everything runs on one machine, which may be busy: a stall of two seconds must not blind a Sentinel for thirty, as
/// TILT does by default.
const CALM_AFTER_STALLS: [&str; 4] = ["SENTINEL", "DEBUG", "TILT-PERIOD", "2000"];
/// The pause between two looks at something that is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long the deployment may take to come up.
const SETTLE_MAX: Duration = Duration::from_secs(60);
/// How long the failover may take beside the time after which the master counts as down.
const FAILOVER_MAX: Duration = Duration::from_secs(60);
/// How long the old master may take to become a replica.
const RETURN_MAX: Duration = Duration::from_secs(60);
/// Writes before the kill, so that there is something to lose.
const WRITES_BEFORE: usize = 100;
/// How many keys are looked for at once.
const KEYS_PER_CALL: usize = 500;

/// Everything that runs.
pub(super) struct Stage {
    servers: Vec<Server>,
    players: Vec<Player>,
    writer: Option<JoinHandle<()>>,
    ledger: Rc<RefCell<Ledger>>,
    plot: Rc<RefCell<Plot>>,
    clock: Clock,
    down_after_ms: u64,
    keep: bool,
    /// Last, so that the processes end before their files vanish.
    folder: TempDir,
}

/// What the Sentinels have told so far.
#[derive(Default)]
struct Plot {
    story: Story,
    /// When each Sentinel first took the master for down, knew it, and named another.
    suspected: Vec<Time>,
    known: Option<Time>,
    switched: Vec<(usize, Time, SocketAddr)>,
}

impl Stage {
    /// Prepares the deployment without starting anything.
    pub(super) fn set(options: &DemoOptions) -> Result<Self, String> {
        let program = options.redis_server.as_deref();
        program.map_or(Ok(()), check)?;
        let folder = tempfile::Builder::new()
            .prefix("picket-demo.")
            .tempdir()
            .map_err(|error| format!("no temporary folder: {}", strerror(&error)))?;
        let addresses = free_addresses(3)?;
        let names = ["server-A", "server-B", "server-C"];
        let make = |(name, addr): (&'static str, &SocketAddr)| {
            let follows = (*addr != addresses[0]).then_some(addresses[0]);
            Server::new(name, *addr, follows, program, folder.path())
        };
        let servers = names.into_iter().zip(&addresses).map(make).collect::<Result<Vec<_>, _>>()?;
        let mut story = Story::default();
        for server in &servers {
            story.name(server.addr.to_string(), server.name);
        }
        Ok(Self {
            servers,
            players: Vec::new(),
            writer: None,
            ledger: Rc::default(),
            plot: Rc::new(RefCell::new(Plot { story, ..Plot::default() })),
            clock: Clock::start(),
            down_after_ms: options.down_after_ms,
            keep: options.keep,
            folder,
        })
    }

    /// Plays the whole story.
    ///
    /// # Errors
    /// What did not happen.
    pub(super) async fn play(&mut self) -> Result<(), String> {
        self.start_servers().await?;
        self.start_sentinels().await?;
        self.start_writer().await?;
        let killed_at = self.kill_master()?;
        self.await_switch().await?;
        let resumed_at = self.await_write(killed_at).await?;
        self.await_return().await?;
        self.count(killed_at, resumed_at).await
    }

    /// What can be done with it once the story is told.
    pub(super) fn invitation(&self) -> String {
        let sentinel = self.players.first().map_or(0, |player| player.addr.port());
        format!(
            "Servers and Sentinels run on, and what happens to them is told here:\n  \
             redis-cli -p {sentinel} SENTINEL MASTER {MASTER_NAME}\n  \
             redis-cli -p {sentinel} SENTINEL FAILOVER {MASTER_NAME}"
        )
    }

    /// Ends everything that runs. The folder stays if that was asked for, or if it may explain a
    /// failure.
    pub(super) async fn clear(mut self, failed: bool) {
        if let Some(writer) = self.writer.take() {
            writer.abort();
        }
        for player in self.players.drain(..) {
            player.stop().await;
        }
        for server in &mut self.servers {
            server.kill();
        }
        if self.keep || failed {
            let path: PathBuf = self.folder.keep();
            out(&format!("\nConfig files and logs are in {}", path.display()));
        }
    }

    async fn start_servers(&mut self) -> Result<(), String> {
        for server in &mut self.servers {
            server.start()?;
        }
        let roles = ["master ", "replica", "replica"];
        for (server, role) in self.servers.iter().zip(roles) {
            out(&format!("{}   {role}  {}  {}", server.name, server.addr, server.kind()));
        }
        let replicas: Vec<SocketAddr> = self.servers[1..].iter().map(|server| server.addr).collect();
        self.wait("the replicas to follow the master", SETTLE_MAX, async || {
            for replica in &replicas {
                if !follows(*replica, None).await {
                    return false;
                }
            }
            true
        })
        .await
    }

    async fn start_sentinels(&mut self) -> Result<(), String> {
        let watch = Watch {
            master_name: MASTER_NAME,
            master: self.servers[0].addr,
            quorum: QUORUM,
            down_after_ms: self.down_after_ms,
        };
        for (index, name) in SENTINELS.into_iter().enumerate() {
            let plot = Rc::clone(&self.plot);
            let observer = Box::new(move |at, event: &Event| plot.borrow_mut().tell(index, at, event));
            let player = Player::start(name, &watch, self.folder.path(), self.clock, observer).await?;
            ask(player.addr, &CALM_AFTER_STALLS, PATIENCE).await?;
            out(&format!(
                "{name}           {}  quorum {QUORUM}, down after {} ms",
                player.addr, self.down_after_ms
            ));
            self.plot.borrow_mut().story.name(player.run_id.clone(), name);
            self.players.push(player);
        }
        let sentinels: Vec<SocketAddr> = self.players.iter().map(|player| player.addr).collect();
        self.wait("the sentinels to find each other and the replicas", SETTLE_MAX, async || {
            for sentinel in &sentinels {
                if !knows_all(*sentinel, MASTER_NAME).await {
                    return false;
                }
            }
            true
        })
        .await?;
        // Newcomers listen before they stand for election: the story is one of Sentinels that have been there for a while.
        let heard = self.clock.now() + Periods::default().listening();
        let clock = self.clock;
        self.wait("the sentinels to have listened for others", SETTLE_MAX, async || clock.now() >= heard)
            .await
    }

    async fn start_writer(&mut self) -> Result<(), String> {
        let sentinels = self.players.iter().map(|player| player.addr).collect();
        let plot = Rc::clone(&self.plot);
        let moved = move |at, master: SocketAddr| {
            let what = format!("has its first write acknowledged by {master}");
            if let Some(line) = plot.borrow().story.line(at, "writer", &what) {
                out(&line);
            }
        };
        let task = write_steadily(sentinels, MASTER_NAME, self.clock, Rc::clone(&self.ledger), moved);
        self.writer = Some(tokio::task::spawn_local(task));
        let ledger = Rc::clone(&self.ledger);
        self.wait("the first writes", SETTLE_MAX, async || {
            ledger.borrow().acknowledged.len() >= WRITES_BEFORE
        })
        .await?;
        // A replica calls itself in sync up to a second before its master sends it the first write.
        let [master, replicas @ ..] = self.servers.as_slice() else { return Ok(()) };
        let written = offset(master.addr).await.ok_or("the master does not answer")?;
        let replicas: Vec<SocketAddr> = replicas.iter().map(|server| server.addr).collect();
        self.wait("the replicas to have them", SETTLE_MAX, async || {
            for replica in &replicas {
                if offset(*replica).await.is_none_or(|offset| offset < written) {
                    return false;
                }
            }
            true
        })
        .await
    }

    fn kill_master(&mut self) -> Result<Time, String> {
        let master = &mut self.servers[0];
        let name = master.name;
        let at = self.clock.now();
        let how = master.kill();
        self.plot.borrow_mut().story.begin(at);
        out("");
        self.say(at, "demo", &format!("{how}: the master {name} is dead"));
        Ok(at)
    }

    async fn await_switch(&mut self) -> Result<(), String> {
        let plot = Rc::clone(&self.plot);
        let limit = FAILOVER_MAX + Duration::from_millis(self.down_after_ms);
        self.quietly("every sentinel to name a new master", limit, async || {
            let plot = plot.borrow();
            (0..SENTINELS.len()).all(|index| plot.switched.iter().any(|(who, _, _)| *who == index))
        })
        .await
    }

    async fn await_write(&mut self, killed_at: Time) -> Result<Time, String> {
        let new_master = self.new_master()?;
        let ledger = Rc::clone(&self.ledger);
        let first = move || {
            let ledger = ledger.borrow();
            ledger
                .acknowledged
                .iter()
                .find(|(_, at, by)| *at > killed_at && *by == new_master)
                .map(|(_, at, _)| *at)
        };
        let look = first.clone();
        self.quietly("a write to succeed again", FAILOVER_MAX, async || look().is_some()).await?;
        first().ok_or_else(|| "no write succeeded".to_owned())
    }

    async fn await_return(&mut self) -> Result<(), String> {
        let new_master = self.new_master()?;
        let old = &mut self.servers[0];
        old.start()?;
        let (name, addr) = (old.name, old.addr);
        self.say(
            self.clock.now(),
            "demo",
            &format!("starts {name} again, which believes that it is a master"),
        );
        self.quietly("the old master to answer", RETURN_MAX, async || {
            ask(addr, &["PING"], PATIENCE).await.is_ok()
        })
        .await?;
        let answered = self.clock.now();
        self.quietly("the old master to follow the new one", RETURN_MAX, async || {
            follows(addr, Some(new_master)).await
        })
        .await?;
        let took = self.clock.now().since(answered);
        self.say(
            self.clock.now(),
            name,
            &format!("is a replica of {new_master}, in sync {took} after its first answer"),
        );
        Ok(())
    }

    async fn count(&mut self, killed_at: Time, resumed_at: Time) -> Result<(), String> {
        if let Some(writer) = self.writer.take() {
            writer.abort();
        }
        let new_master = self.new_master()?;
        let numbers: Vec<u64> =
            self.ledger.borrow().acknowledged.iter().map(|(number, _, _)| *number).collect();
        let mut client = Client::connect(new_master, PATIENCE).await?;
        let mut present = 0;
        for some in numbers.chunks(KEYS_PER_CALL) {
            let mut args = vec!["EXISTS".to_owned()];
            args.extend(some.iter().map(|number| key(*number)));
            present +=
                client.call(&args).await?.as_int().and_then(|count| usize::try_from(count).ok()).unwrap_or(0);
        }
        let plot = self.plot.borrow();
        let since = |at: Time| at.since(killed_at);
        let row = |what: &str, value: String| out(&format!("  {what:<38}{value}"));
        out("");
        row(
            "first sentinel noticed after",
            plot.suspected.iter().min().map_or("-".into(), |at| since(*at).to_string()),
        );
        row("agreed that it is down after", plot.known.map_or("-".into(), |at| since(at).to_string()));
        let switched = |at: Option<&Time>| at.map_or("-".to_owned(), |at| since(*at).to_string());
        let times: Vec<Time> = plot.switched.iter().map(|(_, at, _)| *at).collect();
        row("first sentinel named the new after", switched(times.iter().min()));
        row("last sentinel named the new after", switched(times.iter().max()));
        row("writes succeeded again after", since(resumed_at).to_string());
        row("new master", plot.story.named(&new_master.to_string()));
        row("writes acknowledged", numbers.len().to_string());
        row("writes refused or unanswered", self.ledger.borrow().failed.to_string());
        row("acknowledged writes lost", (numbers.len() - present.min(numbers.len())).to_string());
        Ok(())
    }

    fn new_master(&self) -> Result<SocketAddr, String> {
        let plot = self.plot.borrow();
        let (_, _, first) = plot.switched.first().ok_or("no sentinel named a new master")?;
        if plot.switched.iter().any(|(_, _, other)| other != first) {
            return Err("the sentinels do not agree on the new master".to_owned());
        }
        Ok(*first)
    }

    fn say(&self, at: Time, who: &str, what: &str) {
        if let Some(line) = self.plot.borrow().story.line(at, who, what) {
            out(&line);
        }
    }

    /// Waits with a word about it.
    async fn wait(
        &mut self,
        what: &str,
        limit: Duration,
        done: impl AsyncFnMut() -> bool,
    ) -> Result<(), String> {
        out(&format!("waiting for {what} ..."));
        self.quietly(what, limit, done).await
    }

    async fn quietly(
        &mut self,
        what: &str,
        limit: Duration,
        mut done: impl AsyncFnMut() -> bool,
    ) -> Result<(), String> {
        let until = Instant::now() + limit;
        while !done().await {
            if let Some(ended) = self.servers.iter_mut().find_map(Server::ended) {
                return Err(ended);
            }
            if Instant::now() >= until {
                return Err(format!("waited {} s in vain for {what}", limit.as_secs()));
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }
}

impl Plot {
    fn tell(&mut self, index: usize, at: Time, event: &Event) {
        let Some(what) = sentence(event) else { return };
        let Some(line) = self.story.line(at, SENTINELS[index], &what) else { return };
        out(&line);
        match event {
            Event::SubjectivelyDown { .. } => self.suspected.push(at),
            Event::ObjectivelyDown { .. } => {
                self.known.get_or_insert(at);
            }
            Event::SwitchMaster { new_host, new_port, .. } => {
                if let Ok(ip) = new_host.parse() {
                    self.switched.push((index, at, SocketAddr::new(ip, *new_port)));
                }
            }
            _ => {}
        }
    }
}
