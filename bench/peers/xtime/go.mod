module peer-xtime

go 1.18

// The newest that Debian 12 can build. Later ones add a check for overflow to the limiter.
require golang.org/x/time v0.9.0
