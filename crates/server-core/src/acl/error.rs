//! What can be wrong with a rule, in Redis's words.

/// What is wrong with a rule of `ACL SETUSER` or a `user` line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AclError {
    /// A command or category that the server does not have.
    #[error("Unknown command or category name in ACL")]
    Unknown,
    /// No rule looks like this.
    #[error("Syntax error")]
    Syntax,
    /// A key pattern that `~*` makes pointless.
    #[error(
        "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns"
    )]
    PatternAfterAllKeys,
    /// A channel pattern that `&*` makes pointless.
    #[error(
        "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try 'resetchannels' to start with an empty list of channels"
    )]
    PatternAfterAllChannels,
    /// A password to remove that the user does not have.
    #[error("The password you are trying to remove from the user does not exist")]
    NoSuchPassword,
    /// Not a digest.
    #[error(
        "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
    )]
    BadHash,
    /// A user declared twice.
    #[error("Duplicate user found. A user can only be defined once in config files")]
    DuplicateUser,
    /// `+container|sub|arg`.
    #[error("Allowing first-arg of a subcommand is not supported")]
    FirstArgOfSubcommand,
    /// `(` without `)`.
    #[error("Unmatched parenthesis in acl selector")]
    UnmatchedBracket,
}
