//! What the browser does for sharing: deflating, the address, the clipboard, files.

use js_sys::{Array, Function, Reflect, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, File, ReadableWritablePair, Response};

use crate::guide::Trouble;
use crate::share::{LINK_LEN_MAX, TEXT_LEN_MAX, fragment};

/// The text, deflated.
pub(crate) async fn deflate(text: &str) -> Result<Vec<u8>, JsValue> {
    pass(text.as_bytes(), "CompressionStream").await
}

/// The text that was deflated.
pub(crate) async fn inflate(bytes: &[u8]) -> Result<String, Trouble> {
    let inflated = pass(bytes, "DecompressionStream").await.map_err(|_| Trouble::BadLink)?;
    if inflated.len() > TEXT_LEN_MAX {
        return Err(Trouble::TooLong);
    }
    String::from_utf8(inflated).map_err(|_| Trouble::BadLink)
}

/// Bytes through a stream of the browser's that deflates or inflates them.
async fn pass(bytes: &[u8], class: &str) -> Result<Vec<u8>, JsValue> {
    let class: Function = Reflect::get(&js_sys::global(), &class.into())?.dyn_into()?;
    let through = Reflect::construct(&class, &Array::of1(&"deflate-raw".into()))?;
    let through: &ReadableWritablePair = through.unchecked_ref();
    let blob = Blob::new_with_u8_array_sequence(&Array::of1(&Uint8Array::from(bytes)))?;
    let response = Response::new_with_opt_readable_stream(Some(&blob.stream().pipe_through(through)))?;
    let buffer = JsFuture::from(response.array_buffer()?).await?;
    Ok(Uint8Array::new(&buffer).to_vec())
}

/// A link to a scenario with this text; none if it would be too long.
pub(crate) async fn link_to(text: &str) -> Option<String> {
    let link = format!("{}{}", page_address()?, fragment(&deflate(text).await.ok()?));
    (link.len() <= LINK_LEN_MAX).then_some(link)
}

/// Puts a text into the clipboard; false if the browser does not let it.
pub(crate) async fn copy(text: &str) -> bool {
    let Some(window) = web_sys::window() else { return false };
    // Pages without a secure origin have no clipboard: then it is undefined.
    let clipboard = window.navigator().clipboard();
    if clipboard.is_undefined() {
        return false;
    }
    JsFuture::from(clipboard.write_text(text)).await.is_ok()
}

/// The text of a file.
pub(crate) async fn read(file: &File) -> Result<String, Trouble> {
    if file.size() > TEXT_LEN_MAX as f64 {
        return Err(Trouble::TooLong);
    }
    let text = JsFuture::from(file.text()).await.ok().and_then(|text| text.as_string());
    text.ok_or(Trouble::Unreadable)
}

/// What stands behind `#` in the address, with it.
pub(crate) fn address_fragment() -> String {
    web_sys::window().and_then(|window| window.location().hash().ok()).unwrap_or_default()
}

/// Lets the address name what is shown, so that loading the page again shows it again.
pub(crate) fn set_address(link: &str) {
    let history = web_sys::window().and_then(|window| window.history().ok());
    if let Some(history) = history {
        // An address that stays as it was is only less useful.
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(link));
    }
}

/// The page's address without what stands behind `#`.
pub(crate) fn page_address() -> Option<String> {
    let href = web_sys::window()?.location().href().ok()?;
    Some(href.split('#').next().unwrap_or_default().to_owned())
}

/// The first file that was dropped.
pub(crate) fn dropped_file(event: &web_sys::DragEvent) -> Option<File> {
    event.data_transfer()?.files()?.get(0)
}

/// Calls a closure whenever what stands behind `#` changes.
pub(crate) fn on_address_change(call: &wasm_bindgen::closure::Closure<dyn FnMut()>) {
    if let Some(window) = web_sys::window() {
        // Without it links are opened by loading the page.
        let _ = window.add_event_listener_with_callback("hashchange", call.as_ref().unchecked_ref());
    }
}
