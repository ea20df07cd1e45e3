//! What `INFO` counts.

use picket_sansio::Time;

/// Counters since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counters {
    /// Connections let in.
    pub total_connections_received: u64,
    /// Requests run.
    pub total_commands_processed: u64,
    /// Bytes received.
    pub total_net_input_bytes: u64,
    /// Bytes handed to the host to send.
    pub total_net_output_bytes: u64,
    /// Connections refused.
    pub rejected_connections: u64,
    /// Error replies.
    pub total_error_replies: u64,
    /// Reads.
    pub total_reads_processed: u64,
    /// Writes.
    pub total_writes_processed: u64,
    /// Clients closed for unread requests.
    pub query_buffer_limit_disconnections: u64,
    /// Clients closed for unsent output.
    pub output_buffer_limit_disconnections: u64,
    /// Wrong passwords.
    pub acl_denied_auth: u64,
    /// Refused commands.
    pub acl_denied_cmd: u64,
    /// Refused keys.
    pub acl_denied_key: u64,
    /// Refused channels.
    pub acl_denied_channel: u64,
    pub(super) ops: Rate,
    pub(super) input: Rate,
    pub(super) output: Rate,
}

/// Events per second: the sum of the last whole second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Rate {
    second: u64,
    current: u64,
    previous: u64,
}

impl Counters {
    pub(super) fn add_command(&mut self, now: Time) {
        self.total_commands_processed += 1;
        self.ops.add(now, 1);
    }

    pub(super) fn add_input(&mut self, now: Time, bytes: u64) {
        self.total_net_input_bytes += bytes;
        self.input.add(now, bytes);
    }

    pub(super) fn add_output(&mut self, now: Time, bytes: u64) {
        self.total_net_output_bytes += bytes;
        self.output.add(now, bytes);
    }
}

impl Rate {
    fn add(&mut self, now: Time, amount: u64) {
        let second = now.0 / 1_000_000;
        if second != self.second {
            self.previous = if second == self.second + 1 { self.current } else { 0 };
            self.current = 0;
            self.second = second;
        }
        self.current += amount;
    }

    pub(super) fn per_second(&self, now: Time) -> u64 {
        match (now.0 / 1_000_000).saturating_sub(self.second) {
            0 => self.previous,
            1 => self.current,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_that_of_the_last_whole_second() {
        let mut rate = Rate::default();
        for (millis, amount) in [(0, 1), (500, 2), (1500, 10)] {
            rate.add(Time(millis * 1000), amount);
        }
        for (millis, expected) in [(1900, 3), (2100, 10), (3100, 0)] {
            assert_eq!(rate.per_second(Time(millis * 1000)), expected, "{millis}");
        }
    }
}
