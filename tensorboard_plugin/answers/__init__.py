"""What the routes of `HTTP_API.md` answer."""
