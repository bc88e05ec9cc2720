"""What every service shares: who calls, what time it is, how lists are paged. Pure, standard library only."""
