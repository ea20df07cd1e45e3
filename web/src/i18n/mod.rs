//! Everything that the page says, in each of its languages. A text that a language lacks does not compile.
//!
//! An area of the page has a file of its own, with its texts in both languages side by side; it stands once in the
//! list below. Words of the wire (`+odown`, `wait_promotion`, `redis-1`) are the same in every language.

mod changes;
mod choice;
mod narration;
mod reasons;
mod refusals;
mod syncs;
mod why;
mod words;

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    /// English.
    En,
    /// Simplified Chinese.
    Zh,
}

impl Lang {
    /// All languages.
    pub const ALL: [Self; 2] = [Self::En, Self::Zh];

    /// Its tag in HTML.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh-Hans",
        }
    }

    /// Its name in itself.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Zh => "简体中文",
        }
    }

    /// The language for what a browser prefers, such as `zh-CN`.
    #[must_use]
    pub fn preferred(tag: &str) -> Self {
        if tag.to_ascii_lowercase().starts_with("zh") { Self::Zh } else { Self::En }
    }

    /// Its texts.
    #[must_use]
    pub fn texts(self) -> &'static Texts {
        match self {
            Self::En => &ENGLISH,
            Self::Zh => &CHINESE,
        }
    }
}

/// The texts of an area: a name, then English and Chinese.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident: $english:literal, $chinese:literal;)*) => {
        /// The texts of this area.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Texts {
            $($(#[$doc])* pub $name: &'static str,)*
        }
        pub(super) const ENGLISH: Texts = Texts { $($name: $english,)* };
        pub(super) const CHINESE: Texts = Texts { $($name: $chinese,)* };
        #[cfg(test)]
        pub(super) const PAIRS: &[(&str, &str, &str)] = &[$((stringify!($name), $english, $chinese),)*];
    };
}
use texts;

macro_rules! areas {
    ($($(#[$doc:meta])* $area:ident;)*) => {
        $(pub mod $area;)*
        /// The fixed texts of the page, by area.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Texts {
            $($(#[$doc])* pub $area: $area::Texts,)*
        }
        const ENGLISH: Texts = Texts { $($area: $area::ENGLISH,)* };
        const CHINESE: Texts = Texts { $($area: $area::CHINESE,)* };
        #[cfg(test)]
        const PAIRS: &[(&str, &[(&str, &str, &str)])] = &[$((stringify!($area), $area::PAIRS),)*];
    };
}

areas! {
    /// The console of a node.
    console;
    /// Lessons, scenarios, links and files.
    guide;
    /// What can be done to what is chosen.
    hands;
    /// What happened.
    log;
    /// Messages.
    messages;
    /// A chosen node.
    node;
    /// The page as a whole.
    page;
    /// Replication, backlogs and writes.
    replication;
    /// What Sentinels think and do.
    sentinels;
    /// The shape of the deployment.
    settings;
    /// The stage and its legend.
    stage;
    /// The names of the tabs.
    tabs;
    /// The time controls.
    time;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_empty_and_chinese_is_chinese() {
        let is_chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        for (area, pairs) in PAIRS {
            for (name, english, chinese) in *pairs {
                assert!(!english.is_empty() && !is_chinese(english), "{area}: {name}");
                let is_word_of_the_wire = english == chinese || *chinese == "Sentinel";
                assert!(is_chinese(chinese) || is_word_of_the_wire, "{area}: {name}");
            }
        }
    }

    #[test]
    fn browsers_say_what_they_prefer() {
        assert_eq!(Lang::preferred("zh-CN"), Lang::Zh);
        assert_eq!(Lang::preferred("de-DE"), Lang::En);
    }
}
