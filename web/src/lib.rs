//! The playground: Picket's own cores in a simulated world, in a browser.
//!
//! [`Engine`](engine::Engine) holds the world and its time, [`Picture`](picture::Picture) is what the page shows of a
//! moment; neither knows a browser, and both are tested natively. What draws and listens is built for WASM alone.

pub mod chosen;
pub mod cli;
pub mod console;
pub mod engine;
pub mod guide;
pub mod i18n;
pub mod lasso;
pub mod layout;
pub mod lessons;
pub mod library;
pub mod line;
pub mod picture;
pub mod sequence;
pub mod settings;
pub mod share;
pub mod tab;

#[cfg(target_arch = "wasm32")]
mod app;
#[cfg(target_arch = "wasm32")]
mod browser;
#[cfg(target_arch = "wasm32")]
mod components;
#[cfg(target_arch = "wasm32")]
mod download;

#[cfg(target_arch = "wasm32")]
pub use app::App;
