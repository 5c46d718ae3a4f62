// Peer-xtime: what a check costs with golang.org/x/time/rate. That package has no keyed
// limiter; the case keyed-map is the map of limiters that its users write themselves.
// ../README.md says what is timed and how; its siblings do the same in Rust and Java.
package main

import (
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	keyCount  = 1000
	pass      = keyCount // checks between two looks at the clock
	warmUpMS  = 100
	millisMax = 60000

	help = `Usage: peer-xtime [--millis N]
Times the checks of golang.org/x/time/rate; one line of JSON per case.

  --millis N    how long per case, 1 to 60000 (300)
`
)

func die(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, "peer-xtime: "+format+"\n", arguments...)
	os.Exit(3)
}

// newKeys returns the brokers' names in the order of the visits: a shuffle by xorshift64,
// the same in all programs.
func newKeys() []string {
	keys := make([]string, keyCount)
	for i := range keys {
		keys[i] = fmt.Sprintf("b-%d.mycluster.123z8u.c2.kafka.us-west-1.amazonaws.com:9098", i+1)
	}

	x := uint64(88172645463325252)
	for i := keyCount - 1; i > 0; i-- {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		j := x % uint64(i+1)
		keys[i], keys[j] = keys[j], keys[i]
	}

	return keys
}

// newRounds returns each thread's round through the keys; the second thread is half a round
// ahead.
func newRounds(keys []string) [2][]string {
	ahead := append(append([]string{}, keys[keyCount/2:]...), keys[:keyCount/2]...)

	return [2][]string{keys, ahead}
}

// newLimiter makes one that admits every check, or one that admits the first of an hour.
func newLimiter(all bool) *rate.Limiter {
	if all {
		return rate.NewLimiter(1e9, math.MaxInt32)
	}

	return rate.NewLimiter(rate.Every(time.Hour), 1)
}

// keyedLimiters is a limiter per key, made when the key is first seen.
type keyedLimiters struct {
	mutex    sync.RWMutex
	limiters map[string]*rate.Limiter
	all      bool
}

func (k *keyedLimiters) allow(key string) bool {
	k.mutex.RLock()
	limiter := k.limiters[key]
	k.mutex.RUnlock()
	if limiter == nil {
		limiter = k.add(key)
	}

	return limiter.Allow()
}

func (k *keyedLimiters) add(key string) *rate.Limiter {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	limiter := k.limiters[key]
	if limiter == nil {
		limiter = newLimiter(k.all)
		k.limiters[key] = limiter
	}

	return limiter
}

// measure runs passes until the time is over and returns ns per check, the mean of the
// threads. Each pass returns how many of its checks were admitted: all or none of them may
// be.
func measure(threads int, millis int, all bool, one func(thread int) int) float64 {
	budget := time.Duration(millis) * time.Millisecond
	ns := make([]float64, threads)
	start := make(chan struct{})
	var ready, done sync.WaitGroup

	work := func(thread int) {
		defer done.Done()
		passes, admitted, wanted := 0, 0, 0

		ready.Done()
		<-start
		from := time.Now()
		for ok := true; ok; ok = time.Since(from) < budget {
			admitted += one(thread)
			passes++
		}
		elapsed := time.Since(from)

		if all {
			wanted = passes * pass
		}
		if admitted != wanted {
			die("%d of %d checks were admitted", admitted, passes*pass)
		}
		ns[thread] = float64(elapsed.Nanoseconds()) / float64(passes*pass)
	}

	ready.Add(threads)
	done.Add(threads)
	for i := 0; i < threads; i++ {
		go work(i)
	}
	ready.Wait()
	close(start)
	done.Wait()

	sum := 0.0
	for _, n := range ns {
		sum += n
	}

	return sum / float64(threads)
}

// version is that of the package that is built in.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == "golang.org/x/time" {
				return strings.TrimPrefix(module.Version, "v")
			}
		}
	}

	return "unknown"
}

func report(name string, all bool, threads int, millis int, one func(thread int) int) {
	answer := "refused"
	if all {
		answer = "admitted"
	}

	measure(threads, warmUpMS, all, one)
	ns := measure(threads, millis, all, one)
	fmt.Printf(`{"peer":"x/time/rate","version":"%s","language":"go","case":"%s",`+
		`"answer":"%s","threads":%d,"ns":%.2f}`+"\n", version(), name, answer, threads, ns)
}

func direct(all bool, threads int, millis int) {
	limiter := newLimiter(all)
	if !limiter.Allow() {
		die("the first check was refused")
	}

	report("direct", all, threads, millis, func(int) int {
		admitted := 0
		for i := 0; i < pass; i++ {
			if limiter.Allow() {
				admitted++
			}
		}
		return admitted
	})
}

func keyed(all bool, threads int, millis int, keys []string) {
	limiters := &keyedLimiters{limiters: map[string]*rate.Limiter{}, all: all}
	rounds := newRounds(keys)

	for _, key := range keys { // the map keeps strings of its own, as in a client
		if !limiters.allow(strings.Clone(key)) {
			die("a first check was refused")
		}
	}

	report("keyed-map", all, threads, millis, func(thread int) int {
		admitted := 0
		for _, key := range rounds[thread] {
			if limiters.allow(key) {
				admitted++
			}
		}
		return admitted
	})
}

func parse(arguments []string) int {
	switch {
	case len(arguments) == 0:
		return 300
	case len(arguments) == 1 && arguments[0] == "--help":
		fmt.Print(help)
		os.Exit(0)
	case len(arguments) == 2 && arguments[0] == "--millis":
		n, err := strconv.Atoi(arguments[1])
		if err == nil && n >= 1 && n <= millisMax {
			return n
		}
	}

	fmt.Fprint(os.Stderr, help)
	os.Exit(2)

	return 0
}

func main() {
	millis := parse(os.Args[1:])
	keys := newKeys()

	for _, threads := range []int{1, 2} {
		for _, all := range []bool{true, false} {
			direct(all, threads, millis)
			keyed(all, threads, millis, keys)
		}
	}
}
