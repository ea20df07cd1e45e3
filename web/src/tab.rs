//! The tabs of the right column.

/// A tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// A chosen node: facts, deeds, console.
    Node,
    /// What each Sentinel thinks and does.
    Sentinels,
    /// Backlogs, synchronisations, writes.
    Replication,
    /// Who told whom what.
    Messages,
    /// The shape of the deployment and its settings.
    Settings,
    /// What happened, with reasons.
    Log,
}

impl Tab {
    /// All of them, in their order.
    pub const ALL: [Self; 6] =
        [Self::Node, Self::Sentinels, Self::Replication, Self::Messages, Self::Settings, Self::Log];

    /// Its name in style sheets and ids.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Node => "node-tab",
            Self::Sentinels => "sentinels",
            Self::Replication => "replication",
            Self::Messages => "messages",
            Self::Settings => "settings",
            Self::Log => "log",
        }
    }

    /// The one to its right, or the first.
    #[must_use]
    pub fn next(self) -> Self {
        Self::ALL[(self.place() + 1) % Self::ALL.len()]
    }

    /// The one to its left, or the last.
    #[must_use]
    pub fn before(self) -> Self {
        Self::ALL[(self.place() + Self::ALL.len() - 1) % Self::ALL.len()]
    }

    fn place(self) -> usize {
        Self::ALL.iter().position(|tab| *tab == self).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn going_on_goes_round() {
        let mut tab = Tab::Node;
        let round: Vec<Tab> = (Tab::ALL.iter())
            .map(|_| {
                tab = tab.next();
                tab
            })
            .collect();
        assert_eq!(round, [&Tab::ALL[1..], &Tab::ALL[..1]].concat());
        assert!(Tab::ALL.iter().all(|tab| tab.next().before() == *tab));
        assert_eq!(Tab::Node.before(), Tab::Log);
    }
}
