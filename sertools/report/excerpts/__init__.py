"""What of long results a page shows; the rest is in files beside the page."""
