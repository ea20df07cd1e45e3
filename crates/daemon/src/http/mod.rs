//! The page over HTTP, on a thread of its own: no browser takes a Sentinel's time.

mod answer;
mod page;

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{sleep, timeout};

use crate::errno::strerror;

/// What is said where the page would be.
const NO_PAGE: &str = "This picket was built without its page: `cargo xtask web` builds the page, and picket built after that has it.";
/// More browsers wait until one of these has gone.
const CONNECTIONS_MAX: usize = 64;
/// How long a request's head may take, also after the request before it.
const HEAD_MAX: Duration = Duration::from_secs(5);
/// How long a connection lives, whatever is done with it: nobody holds one for ever by reading slowly.
const CONNECTION_MAX: Duration = Duration::from_secs(120);
/// The longest head of a request.
const HEAD_LEN_MAX: usize = 16 * 1024;
/// How long answers that are under way may take once this ends.
const FAREWELL: Duration = Duration::from_secs(1);
/// The pause after the system had no descriptor for a browser.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves the page until it is dropped.
#[derive(Debug)]
pub(crate) struct HttpServer {
    addr: SocketAddr,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl HttpServer {
    /// Listens on `addr`.
    ///
    /// # Errors
    /// Why that cannot be, for the operator.
    pub(crate) fn start(addr: SocketAddr) -> Result<Self, String> {
        let told = |error: std::io::Error| format!("Can't serve the page on {addr}: {}", strerror(&error));
        let listener = TcpListener::bind(addr).map_err(told)?;
        listener.set_nonblocking(true).map_err(told)?;
        let addr = listener.local_addr().map_err(told)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(told)?;
        let (end, ended) = oneshot::channel();
        let main = move || {
            // What is left after the farewell ends with the runtime.
            runtime.block_on(serve(listener, ended));
        };
        let thread = std::thread::Builder::new().name("http".to_owned()).spawn(main).map_err(told)?;
        Ok(Self { addr, end: Some(end), thread: Some(thread) })
    }

    /// What is said about it: where it is, or how to build it.
    pub(crate) fn about(&self) -> String {
        if self.has_page() {
            format!("The playground is at http://{}/", self.addr)
        } else {
            NO_PAGE.to_owned()
        }
    }

    /// Whether this build has the page.
    pub(crate) fn has_page(&self) -> bool {
        !page::FILES.is_empty()
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Accepts browsers until `end` is dropped.
async fn serve(listener: TcpListener, mut end: oneshot::Receiver<()>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_MAX).max_buf_size(HEAD_LEN_MAX);
    loop {
        let accepted = async {
            let place = Arc::clone(&room).acquire_owned().await.expect("it is never closed");
            (place, listener.accept().await)
        };
        let (place, stream) = tokio::select! {
            _ = &mut end => break,
            (place, accepted) = accepted => match accepted {
                Ok((stream, _)) => (place, stream),
                Err(_) => {
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        let service = service_fn(|request| {
            let answer = answer::answer(&request);
            async move { Ok::<_, Infallible>(answer) }
        });
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            // A browser that goes away, or talks nonsense, is no matter.
            let _ = timeout(CONNECTION_MAX, connection).await;
            drop(place);
        });
    }
    drop(listener);
    let _ = timeout(FAREWELL, graceful.shutdown()).await;
}
