//! Ids of things that live outside a core. A number is given out once, so that a late message for
//! something long gone is simply unknown.

use core::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl $name {
            /// Gives out the next number of `counter`.
            #[must_use]
            pub fn next(counter: &mut u64) -> Self {
                *counter += 1;
                Self(*counter)
            }
        }
    };
}

id!(
    /// A connection that a core asked its host to open.
    LinkId, "link-"
);
id!(
    /// A connection that somebody opened to us. Also what `CLIENT ID` answers.
    ClientId, "client-"
);
id!(
    /// A name resolution that a core asked for.
    QueryId, "query-"
);
id!(
    /// One run of a notification or reconfiguration script.
    ScriptId, "script-"
);
id!(
    /// A state that a core asked its host to make durable. Later tickets hold later states.
    Ticket, "ticket-"
);
