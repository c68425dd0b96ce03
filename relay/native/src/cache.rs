//! The memory in which sent packets are kept for retransmission: blocks of one size, and one budget for everybody.
//!
//! All media threads share it. A block belongs to who took it, and counts until it is given back.

use std::ops::{Deref, DerefMut};
use std::ptr::{NonNull, null_mut};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Bytes of a block: seven full packets. What a picture of 1 Mbit/s leaves behind takes a dozen of them, of which one is
/// half empty.
pub const BLOCK: usize = 8 * 1024;

/// Blocks that wait for the next who takes one, 512 KiB, and one more for each so many in use: a crowd's pictures grow and
/// shrink by less from one moment to the next.
const SPARE: u64 = 64;
const USED_PER_SPARE: u64 = 8;

/// Memory straight from the system, which has it back when this is dropped. The allocator would keep it: what a crowd
/// leaves lies between what stays. What a block holds is its owner's business.
#[derive(Debug)]
pub struct Block(NonNull<[u8; BLOCK]>);

// SAFETY: nobody else has a pointer to the block's memory, whichever thread has the block.
unsafe impl Send for Block {}
// SAFETY: through a shared block its memory is only read.
unsafe impl Sync for Block {}

impl Block {
    /// None if the system has no more.
    fn new() -> Option<Self> {
        let (access, kind) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping at a place that the system chooses touches nobody's memory.
        let at = unsafe { libc::mmap(null_mut(), BLOCK, access, kind, -1, 0) };
        NonNull::new(at.cast()).filter(|_| at != libc::MAP_FAILED).map(Self)
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `new` with this length, and nothing borrows from a block that is dropped.
        unsafe { libc::munmap(self.0.as_ptr().cast(), BLOCK) };
    }
}

impl Deref for Block {
    type Target = [u8; BLOCK];

    fn deref(&self) -> &Self::Target {
        // SAFETY: so many bytes are mapped, zeros at first, for as long as the block lives.
        unsafe { self.0.as_ref() }
    }
}

impl DerefMut for Block {
    fn deref_mut(&mut self) -> &mut Self::Target {
        // SAFETY: as for `deref`; who has the block alone has its memory alone.
        unsafe { self.0.as_mut() }
    }
}

/// See the module.
#[derive(Debug)]
pub struct Cache {
    /// Blocks that there may be.
    most: u64,
    /// Bytes that each of them takes: a page, where pages are larger than blocks.
    size: u64,
    /// Blocks that somebody has. Any thread changes it, so it is added to at once and not loaded and stored.
    used: AtomicU64,
    refused: AtomicU64,
    spare: Mutex<Vec<Block>>,
}

impl Default for Cache {
    /// Without a limit.
    fn default() -> Self {
        Self::new(u64::MAX)
    }
}

impl Cache {
    /// One of so many bytes at most.
    pub fn new(most: u64) -> Self {
        // SAFETY: a question without side effects.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        let size = (BLOCK as u64).max(page.try_into().unwrap_or_default());
        let (used, refused) = Default::default();
        Self { most: most / size, size, used, refused, spare: Mutex::default() }
    }

    /// A block, unless all are in use: that is counted.
    pub fn take(&self) -> Option<Block> {
        // Two threads that come for the last one at once may both go without. Neither gets one too many.
        let within = self.used.fetch_add(1, Relaxed) < self.most;
        let spare = || self.spare.lock().ok().and_then(|mut spare| spare.pop());
        let block = within.then(|| spare().or_else(Block::new)).flatten();
        if block.is_none() {
            self.used.fetch_sub(1, Relaxed);
            self.refused.fetch_add(1, Relaxed);
        }
        block
    }

    /// It is not needed any more.
    pub fn give_back(&self, block: Block) {
        let most = SPARE + (self.used.fetch_sub(1, Relaxed) - 1) / USED_PER_SPARE;
        // Dropped when the lock is free again: this one, and one more as long as there are too many.
        let mut superfluous = (Some(block), None);
        if let Ok(mut spare) = self.spare.lock() {
            if (spare.len() as u64) < most {
                spare.extend(superfluous.0.take());
            } else if spare.len() as u64 > most {
                superfluous.1 = spare.pop();
            }
        }
    }

    /// Bytes of the blocks that somebody has.
    pub fn bytes(&self) -> u64 {
        self.used.load(Relaxed) * self.size
    }

    /// How often somebody got no block.
    pub fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::thread;

    use super::*;

    #[test]
    fn no_block_is_given_when_all_are_in_use_and_that_is_counted() {
        let cache = Cache::new(3 * BLOCK as u64 + 1);
        let mut taken: Vec<Block> = std::iter::from_fn(|| cache.take()).collect();
        assert_eq!((taken.len(), cache.bytes(), cache.refused()), (3, 3 * BLOCK as u64, 1));
        cache.give_back(taken.pop().unwrap());
        assert_eq!(cache.bytes(), 2 * BLOCK as u64);
        assert!(cache.take().is_some());
        assert_eq!(cache.refused(), 1);
    }

    #[test]
    fn what_a_crowd_gives_back_is_freed_but_for_a_few_blocks() {
        let cache = Cache::default();
        let taken: Vec<Block> = (0..20 * SPARE).filter_map(|_| cache.take()).collect();
        taken.into_iter().for_each(|block| cache.give_back(block));
        assert_eq!((cache.bytes(), cache.spare.lock().unwrap().len() as u64), (0, SPARE));
    }

    #[test]
    fn a_block_is_memory_that_can_be_written_and_read_to_its_ends() {
        let cache = Cache::default();
        let (mut one, mut other) = (cache.take().unwrap(), cache.take().unwrap());
        one.fill(1);
        other.fill(2);
        assert!(one.iter().all(|byte| *byte == 1) && other.iter().all(|byte| *byte == 2));
    }

    #[test]
    fn threads_together_have_no_more_than_one_might() {
        const MOST: usize = 5;
        let cache = Cache::new((MOST * BLOCK) as u64);
        let (held, highest) = (AtomicU64::default(), AtomicU64::default());
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20_000 {
                        if let Some(block) = cache.take() {
                            highest.fetch_max(held.fetch_add(1, Relaxed) + 1, Relaxed);
                            let second = cache.take();
                            held.fetch_sub(1, Relaxed);
                            cache.give_back(block);
                            second.into_iter().for_each(|block| cache.give_back(block));
                        }
                    }
                });
            }
        });
        assert!((1..=MOST as u64).contains(&highest.into_inner()));
        assert_eq!((cache.bytes(), std::iter::from_fn(|| cache.take()).count()), (0, MOST));
    }
}
