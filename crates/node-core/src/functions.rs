//! Function libraries: kept, saved and passed on, and never run (`functions.c`).
//!
//! Differs from Redis: there is no Lua here, so a library is its source. What functions it registers, and whether
//! the source runs at all, nobody knows before a server with Lua loads it.

use alloc::borrow::Cow;
use alloc::format;
use picket_sansio::collections::BTreeMap;

use bytes::Bytes;

use crate::fault::Fault;
use crate::small_bytes::heap_len;

/// The libraries of a node by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Functions {
    libraries: BTreeMap<Bytes, Bytes>,
    /// What they take.
    bytes: u64,
}

/// What a library takes besides its name and its source.
const LIBRARY_BYTES: u64 = 80;

fn library_bytes(name: &Bytes, source: &Bytes) -> u64 {
    LIBRARY_BYTES + heap_len(name.len() as u64) + heap_len(source.len() as u64)
}

impl Functions {
    /// Names and sources in order of the names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Bytes, &Bytes)> {
        self.libraries.iter()
    }

    /// How many libraries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.libraries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.libraries.is_empty()
    }

    /// Keeps a library and returns its name.
    pub(crate) fn load(&mut self, source: &Bytes, if_taken: IfTaken) -> Result<Bytes, Fault> {
        let name = library_name(source)?;
        if if_taken == IfTaken::Refuse && self.libraries.contains_key(&name) {
            return Err(taken(&name));
        }
        let name = Bytes::copy_from_slice(&name);
        self.delete(&name);
        self.bytes += library_bytes(&name, source);
        self.libraries.insert(name.clone(), Bytes::copy_from_slice(source));
        Ok(name)
    }

    /// Adds all of `other`, or nothing.
    pub(crate) fn join(&mut self, mut other: Self, if_taken: IfTaken) -> Result<(), Fault> {
        if if_taken == IfTaken::Refuse
            && let Some(name) = other.libraries.keys().find(|name| self.libraries.contains_key(*name))
        {
            return Err(Fault::new(format!("ERR Library {} already exists", text(name))));
        }
        other.libraries.keys().for_each(|name| {
            self.delete(name);
        });
        self.bytes += other.bytes;
        self.libraries.append(&mut other.libraries);
        Ok(())
    }

    /// Removes a library; false if there is none of that name.
    pub(crate) fn delete(&mut self, name: &[u8]) -> bool {
        let removed = self.libraries.remove_entry(name);
        removed.is_some_and(|(name, source)| {
            self.bytes -= library_bytes(&name, &source);
            true
        })
    }

    /// What they take.
    pub(crate) fn used_memory(&self) -> u64 {
        self.bytes
    }
}

/// What becomes of a library whose name is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IfTaken {
    /// It is refused.
    Refuse,
    /// It takes the place of the other one.
    Replace,
}

fn taken(name: &[u8]) -> Fault {
    Fault::new(format!("ERR Library '{}' already exists", text(name)))
}

/// The name in the first line of a source: `#!lua name=greetings`.
pub(crate) fn library_name(source: &Bytes) -> Result<Bytes, Fault> {
    if !source.starts_with(b"#!") {
        return Err(Fault::new("ERR Missing library metadata"));
    }
    let Some(end) = source.iter().position(|byte| *byte == b'\n') else {
        return Err(Fault::new("ERR Invalid library metadata"));
    };
    let mut words = source[2..end].split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let engine = words.next().unwrap_or_default();
    let mut name = None;
    for word in words {
        let value = word.split_at_checked(5).filter(|(option, _)| option.eq_ignore_ascii_case(b"name="));
        let Some((_, value)) = value else {
            return Err(Fault::new(format!("ERR Invalid metadata value given: {}", text(word))));
        };
        if name.replace(value).is_some() {
            let words = "ERR Invalid metadata value, name argument was given multiple times";
            return Err(Fault::new(words));
        }
    }
    let Some(name) = name else {
        return Err(Fault::new("ERR Library name was not given"));
    };
    if name.is_empty() || !name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
        let words = "ERR Library names can only contain letters, numbers, or underscores(_) and must be at least \
                     one character long";
        return Err(Fault::new(words));
    }
    if !engine.eq_ignore_ascii_case(b"lua") {
        return Err(Fault::new(format!("ERR Engine '{}' not found", text(engine))));
    }
    Ok(source.slice_ref(name))
}

fn text(bytes: &[u8]) -> Cow<'_, str> {
    const SHOWN_LEN_MAX: usize = 128;
    alloc::string::String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN_LEN_MAX)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_names_the_library() {
        for (source, expected) in [
            ("#!lua name=a_1\nx", Ok("a_1")),
            ("#!LUA   NAME=b \r\n", Ok("b")),
            ("return 1", Err("ERR Missing library metadata")),
            ("#!lua name=a", Err("ERR Invalid library metadata")),
            ("#!lua\n", Err("ERR Library name was not given")),
            ("#!lua foo=a\n", Err("ERR Invalid metadata value given: foo=a")),
            ("#!js name=a\n", Err("ERR Engine 'js' not found")),
            (
                "#!lua name=a name=b\n",
                Err("ERR Invalid metadata value, name argument was given multiple times"),
            ),
            (
                "#!lua name=a-b\n",
                Err(
                    "ERR Library names can only contain letters, numbers, or underscores(_) and must be at least \
                     one character long",
                ),
            ),
        ] {
            let found = library_name(&Bytes::from(source));
            let found = found.as_ref().map(|name| &name[..]).map_err(Fault::text);
            assert_eq!(found, expected.map(str::as_bytes), "{source}");
        }
    }

    #[test]
    fn a_name_is_taken_once() {
        let mut functions = Functions::default();
        let source = Bytes::from_static(b"#!lua name=a\n1");
        let other = Bytes::from_static(b"#!lua name=a\n2");
        assert!(functions.load(&source, IfTaken::Refuse).is_ok());
        let refused = functions.load(&other, IfTaken::Refuse).expect_err("the name is taken");
        assert_eq!(refused.text(), "ERR Library 'a' already exists");
        assert!(functions.load(&other, IfTaken::Replace).is_ok());
        assert!(functions.iter().eq([(&Bytes::from_static(b"a"), &other)]));
        let bytes = functions.used_memory();
        let mut twice = Functions::default();
        assert!(twice.load(&source, IfTaken::Refuse).is_ok());
        assert!(twice.join(functions.clone(), IfTaken::Refuse).is_err());
        assert!(twice.join(functions.clone(), IfTaken::Replace).is_ok());
        assert_eq!((twice.used_memory(), &twice), (bytes, &functions));
        assert!(functions.delete(b"a") && !functions.delete(b"a"));
        assert_eq!(functions.used_memory(), 0);
    }
}
