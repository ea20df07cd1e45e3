//! Starts the page.

#[cfg(target_arch = "wasm32")]
fn main() {
    yew::Renderer::<picket_web::App>::new().render();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::process::ExitCode {
    eprintln!("picket-web is a page: `cargo xtask web --serve` builds it for browsers and serves it");
    std::process::ExitCode::FAILURE
}
