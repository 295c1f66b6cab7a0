"""One module a notification channel, its settings beside it."""
