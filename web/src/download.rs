//! Saving a text as a file of the person's own.

use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::js_sys::Array;
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Url};

/// Offers this text for saving. A browser that cannot leaves things as they are.
pub(crate) fn save(name: &str, kind: &str, text: &str) {
    let _: Result<(), JsValue> = (|| {
        let options = BlobPropertyBag::new();
        options.set_type(kind);
        let blob = Blob::new_with_str_sequence_and_options(&Array::of1(&text.into()), &options)?;
        let url = Url::create_object_url_with_blob(&blob)?;
        let document = web_sys::window().and_then(|window| window.document());
        if let Some(document) = document {
            let anchor: HtmlAnchorElement = document.create_element("a")?.unchecked_into();
            anchor.set_href(&url);
            anchor.set_download(name);
            anchor.click();
        }
        Url::revoke_object_url(&url)
    })();
}
