//! What is chosen on the stage: nodes, in the order in which they were chosen, or a message. One node is looked at, two
//! are the ends of a wire, several are a group.

use picket_sim::{MessageId, NodeId};

use crate::picture::{Flight, Picture};

/// Something is chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// This node alone.
    Node(NodeId),
    /// This node too, or no more.
    Toggle(NodeId),
    /// These nodes alone.
    Group(Vec<NodeId>),
    /// A message.
    Message(MessageId),
    /// Nothing.
    Nothing,
}

/// What is chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    nodes: Vec<NodeId>,
    message: Option<MessageId>,
}

impl Chosen {
    /// Chooses.
    pub fn choose(&mut self, choice: Choice) {
        self.message = None;
        match choice {
            Choice::Node(node) => self.nodes = vec![node],
            Choice::Toggle(node) if self.nodes.contains(&node) => self.nodes.retain(|other| *other != node),
            Choice::Toggle(node) => self.nodes.push(node),
            Choice::Group(nodes) => self.nodes = nodes,
            Choice::Message(message) => {
                self.nodes.clear();
                self.message = Some(message);
            }
            Choice::Nothing => self.nodes.clear(),
        }
    }

    /// Forgets what is no more.
    pub fn keep_to(&mut self, picture: &Picture) {
        self.nodes.retain(|node| picture.node(*node).is_some());
        if self.message.is_some() && self.message(picture).is_none() {
            self.message = None;
        }
    }

    /// The chosen nodes.
    #[must_use]
    pub fn nodes(&self) -> &[NodeId] {
        &self.nodes
    }

    /// The node that is chosen alone.
    #[must_use]
    pub fn node(&self) -> Option<NodeId> {
        match self.nodes[..] {
            [node] => Some(node),
            _ => None,
        }
    }

    /// Whether this node is among the chosen ones.
    #[must_use]
    pub fn has(&self, node: NodeId) -> bool {
        self.nodes.contains(&node)
    }

    /// Whether this message is the chosen one.
    #[must_use]
    pub fn is(&self, message: MessageId) -> bool {
        self.message == Some(message)
    }

    /// The chosen message, while it is seen.
    #[must_use]
    pub fn message<'a>(&self, picture: &'a Picture) -> Option<&'a Flight> {
        let id = self.message?;
        picture.messages.iter().find(|flight| flight.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: NodeId = NodeId(1);
    const B: NodeId = NodeId(2);

    #[track_caller]
    fn check(choices: &[Choice], nodes: &[NodeId], node: Option<NodeId>) {
        let mut chosen = Chosen::default();
        choices.iter().for_each(|choice| chosen.choose(choice.clone()));
        assert_eq!((chosen.nodes(), chosen.node()), (nodes, node), "{choices:?}");
    }

    #[test]
    fn nodes_are_chosen_alone_or_together() {
        check(&[], &[], None);
        check(&[Choice::Node(A), Choice::Node(B)], &[B], Some(B));
        check(&[Choice::Node(B), Choice::Toggle(A)], &[B, A], None);
        check(&[Choice::Node(B), Choice::Toggle(A), Choice::Toggle(B)], &[A], Some(A));
        check(&[Choice::Node(A), Choice::Group(vec![A, B])], &[A, B], None);
        check(&[Choice::Group(vec![A, B]), Choice::Nothing], &[], None);
    }

    #[test]
    fn a_message_and_nodes_exclude_each_other() {
        let mut chosen = Chosen::default();
        chosen.choose(Choice::Node(A));
        chosen.choose(Choice::Message(MessageId(7)));
        assert!(chosen.is(MessageId(7)) && chosen.nodes().is_empty());
        chosen.choose(Choice::Toggle(A));
        assert!(!chosen.is(MessageId(7)) && chosen.has(A));
    }
}
