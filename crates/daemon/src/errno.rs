//! The system's words for an error, without Rust's addition of the number.

use std::io;

use nix::errno::Errno;

/// What `strerror` says.
pub(crate) fn strerror(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => Errno::from_raw(code).desc().to_owned(),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_reads_as_the_system_says_it() {
        let error = std::fs::read("/does/not/exist").expect_err("there is no such file");
        assert_eq!(strerror(&error), "No such file or directory");
        assert_eq!(strerror(&io::Error::other("plain")), "plain");
    }
}
