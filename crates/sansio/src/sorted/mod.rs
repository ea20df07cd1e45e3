//! Ordered collections in sorted arrays, with the interface of the standard ones as far as cores use it.

pub mod map;
mod set;

pub use map::SortedMap;
pub use set::SortedSet;

#[cfg(test)]
mod tests {
    use alloc::collections::{BTreeMap, BTreeSet, btree_map};
    use alloc::vec::Vec;

    use super::*;
    use crate::Prng;

    #[test]
    fn a_map_does_what_the_standard_one_does() {
        for seed in 0..50 {
            let mut prng = Prng::new(seed);
            let (mut ours, mut std) = (SortedMap::new(), BTreeMap::new());
            for value in 0..300_u64 {
                let key = prng.below(40);
                match prng.below(12) {
                    0..=3 => assert_eq!(ours.insert(key, value), std.insert(key, value)),
                    4 => assert_eq!(ours.remove(&key), std.remove(&key)),
                    5 => assert_eq!(ours.pop_first(), std.pop_first()),
                    6 => assert_eq!(ours.pop_last(), std.pop_last()),
                    7 => {
                        *ours.entry(key).or_default() += value;
                        *std.entry(key).or_default() += value;
                    }
                    8 => {
                        ours.retain(|own, value| (own ^ *value) % 5 != 0);
                        std.retain(|own, value| (own ^ *value) % 5 != 0);
                    }
                    9 => {
                        let (mut behind, expected) = (ours.split_off(&key), std.split_off(&key));
                        assert!(behind.iter().eq(expected.iter()));
                        let mut expected = expected;
                        ours.append(&mut behind);
                        std.append(&mut expected);
                    }
                    10 => {
                        let (from, to) = (key.min(20), 20 + key);
                        assert!(ours.range(from..to).eq(std.range(from..to)));
                        assert!(ours.range(from..=to).rev().eq(std.range(from..=to).rev()));
                        ours.range_mut(from..).for_each(|(_, value)| *value += 1);
                        std.range_mut(from..).for_each(|(_, value)| *value += 1);
                    }
                    _ => {
                        let entry = ours.first_entry().map(super::map::OccupiedEntry::remove_entry);
                        assert_eq!(entry, std.first_entry().map(btree_map::OccupiedEntry::remove_entry));
                        assert_eq!(ours.get(&key), std.get(&key));
                    }
                }
                assert_eq!((ours.len(), ours.is_empty()), (std.len(), std.is_empty()));
                assert_eq!(ours.first_key_value(), std.first_key_value());
                assert_eq!(ours.last_key_value(), std.last_key_value());
                assert!(ours.iter().eq(std.iter()) && ours.keys().rev().eq(std.keys().rev()));
            }
        }
    }

    #[test]
    fn a_set_does_what_the_standard_one_does() {
        for seed in 0..50 {
            let mut prng = Prng::new(seed);
            let (mut ours, mut std) = (SortedSet::new(), BTreeSet::new());
            for _ in 0..300 {
                let item = prng.below(40);
                match prng.below(8) {
                    0..=3 => assert_eq!(ours.insert(item), std.insert(item)),
                    4 => assert_eq!(ours.remove(&item), std.remove(&item)),
                    5 => assert_eq!((ours.pop_first(), ours.pop_last()), (std.pop_first(), std.pop_last())),
                    6 => {
                        let (mut behind, mut expected) = (ours.split_off(&item), std.split_off(&item));
                        assert!(behind.iter().eq(&expected));
                        ours.append(&mut behind);
                        std.append(&mut expected);
                    }
                    _ => {
                        let range = item.min(20)..20 + item;
                        assert!(ours.range(range.clone()).eq(std.range(range)));
                        ours.retain(|own| own % 7 != item % 7);
                        std.retain(|own| own % 7 != item % 7);
                    }
                }
                assert_eq!((ours.first(), ours.last(), ours.len()), (std.first(), std.last(), std.len()));
                assert!(ours.iter().eq(&std) && ours.contains(&item) == std.contains(&item));
                let other: (SortedSet<u64>, BTreeSet<u64>) = ((0..item).collect(), (0..item).collect());
                let difference: Vec<_> = ours.difference(&other.0).collect();
                assert!(difference.into_iter().eq(std.difference(&other.1)));
                assert_eq!(ours.is_subset(&other.0), std.is_subset(&other.1));
                assert_eq!(ours.is_disjoint(&other.0), std.is_disjoint(&other.1));
            }
        }
    }
}
