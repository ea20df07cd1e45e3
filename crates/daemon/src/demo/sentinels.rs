//! The three Sentinels of the demo: the same cores on the same host as `picket sentinel`, with real
//! sockets and config files of their own, in this process.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use picket_sentinel_core::Input;
use picket_server_core::LogLevel;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::cli::StartOptions;
use crate::config::{ConfigStore, StartError, load};
use crate::errno::strerror;
use crate::host::{Clock, Host, Listeners, Observer, serve};
use crate::logging::{LogFormat, LogTarget, Logger};
use crate::sentinel::{Assembly, Surroundings, assemble};
use crate::version::Brand;

/// A running Sentinel.
pub(super) struct Player {
    pub(super) addr: SocketAddr,
    pub(super) run_id: String,
    host: Rc<Host>,
    task: JoinHandle<i32>,
}

/// What all of them watch, and how.
pub(super) struct Watch {
    pub(super) master_name: &'static str,
    pub(super) master: SocketAddr,
    pub(super) quorum: u32,
    pub(super) down_after_ms: u64,
}

/// How long a Sentinel may take to end in order.
const PATIENCE: Duration = Duration::from_secs(3);

impl Player {
    /// Writes a config file and starts a Sentinel with it.
    pub(super) async fn start(
        name: &'static str,
        watch: &Watch,
        folder: &Path,
        clock: Clock,
        observer: Observer,
    ) -> Result<Self, String> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(|error| strerror(&error))?;
        let addr = listener.local_addr().map_err(|error| strerror(&error))?;
        let path = folder.join(format!("{name}.conf"));
        std::fs::write(&path, config_text(addr, watch)).map_err(|error| strerror(&error))?;
        let options =
            StartOptions { config_file: Some(path.display().to_string()), ..StartOptions::default() };
        let source = load(&options, &mut std::io::empty()).map_err(|error| match error {
            StartError::Log(text) | StartError::Stderr(text) => text,
        })?;
        let log = LogTarget::File(folder.join(format!("{name}.log")));
        let surroundings = Surroundings {
            store: ConfigStore::new(path),
            logger: Logger::start(log, LogFormat::Text, LogLevel::Notice, None),
            brand: Brand::Redis,
            clock,
            observer: Some(observer),
        };
        let Assembly { host, mut inbox } = assemble(source.config, surroundings)?;
        host.begin(&mut inbox).await;
        let listeners = Listeners { tcp: vec![listener], ..Listeners::default() };
        let task = tokio::task::spawn_local(serve(Rc::clone(&host), listeners, inbox));
        Ok(Self { addr, run_id: host.my_id(), host, task })
    }

    /// Ends the Sentinel.
    pub(super) async fn stop(mut self) {
        self.host.input(Input::Terminate);
        if timeout(PATIENCE, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

fn config_text(addr: SocketAddr, watch: &Watch) -> String {
    let Watch { master_name, master, quorum, down_after_ms } = watch;
    format!(
        "port {}\nbind {}\n\
         sentinel monitor {master_name} {} {} {quorum}\n\
         sentinel down-after-milliseconds {master_name} {down_after_ms}\n\
         sentinel failover-timeout {master_name} 20000\n",
        addr.port(),
        addr.ip(),
        master.ip(),
        master.port()
    )
}
