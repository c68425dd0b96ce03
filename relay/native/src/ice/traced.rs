//! A map that remembers which of its keys came or went, for who keeps a directory of several such maps.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};

/// See the module. It remembers only if it is asked to.
pub(super) struct Traced<K, V, S> {
    map: HashMap<K, V, S>,
    touched: Option<Vec<K>>,
}

impl<K, V, S: Default> Default for Traced<K, V, S> {
    fn default() -> Self {
        Self { map: HashMap::default(), touched: None }
    }
}

impl<K: Clone + Eq + Hash, V, S: BuildHasher> Traced<K, V, S> {
    /// Remember from now on.
    pub(super) fn trace(&mut self) {
        self.touched.get_or_insert_default();
    }

    pub(super) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.map.get(key)
    }

    pub(super) fn insert(&mut self, key: K, value: V) -> Option<V> {
        if let Some(touched) = &mut self.touched {
            touched.push(key.clone());
        }
        self.map.insert(key, value)
    }

    pub(super) fn remove<Q: Eq + Hash + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let (key, value) = self.map.remove_entry(key)?;
        if let Some(touched) = &mut self.touched {
            touched.push(key);
        }
        Some(value)
    }

    /// Keys that came or went since the last time, and whether each is here now.
    pub(super) fn take_touched(&mut self) -> Vec<(K, bool)> {
        let touched = self.touched.as_mut().map(std::mem::take).unwrap_or_default();
        touched.into_iter().map(|key| (self.map.contains_key(&key), key)).map(|(here, key)| (key, here)).collect()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.map.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_or_went_is_told_once_as_it_is_now() {
        let mut map: Traced<u8, char, std::hash::RandomState> = Traced::default();
        map.insert(0, 'a');
        assert_eq!(map.take_touched(), [], "nobody asked");
        map.trace();
        map.insert(1, 'b');
        assert_eq!((map.remove(&0), map.remove(&9)), (Some('a'), None));
        map.insert(0, 'c');
        map.remove(&1);
        assert_eq!(map.take_touched(), [(1, false), (0, true), (0, true), (1, false)]);
        assert_eq!((map.take_touched(), map.len()), (vec![], 1));
    }
}
