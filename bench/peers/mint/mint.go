// Mint: what a token costs with aws-msk-iam-sasl-signer-go (README.md beside this).
package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"runtime/debug"
	"sort"
	"strings"
	"time"

	"github.com/aws/aws-msk-iam-sasl-signer-go/signer"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

const (
	peer   = "aws-msk-iam-sasl-signer-go"
	warmUp = time.Second
	round  = 20 * time.Millisecond
	rounds = 15
	batch  = 20 // tokens between two looks at the clock
)

// makeSession makes the session token that all programs have.
func makeSession() string {
	const begin = "IQoJb3JpZ2luX2VjEJv//////////wEa"
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	x := uint32(2463534242)
	session := []byte(begin)

	for i := 0; i < 700; i++ {
		x = x*1664525 + 1013904223
		if i >= len(begin) {
			session = append(session, letters[x>>26])
		}
	}

	return string(session)
}

func check(token string, session string) {
	decoded, err := base64.RawURLEncoding.DecodeString(token)
	text := string(decoded) + "&"
	if err != nil || !strings.Contains(text, "X-Amz-Security-Token="+url.QueryEscape(session)+"&") ||
		!strings.Contains(text, "X-Amz-Signature=") {
		die("not the token that was asked for")
	}
}

func die(text any) {
	fmt.Fprintln(os.Stderr, "mint:", text)
	os.Exit(1)
}

// measure returns ns per token, for as long as that.
func measure(provider aws.CredentialsProvider, session string, budget time.Duration) float64 {
	ctx := context.Background()
	var token string
	var elapsed time.Duration
	count := 0

	for from := time.Now(); elapsed < budget; elapsed = time.Since(from) {
		for i := 0; i < batch; i++ {
			var err error
			token, _, err = signer.GenerateAuthTokenFromCredentialsProvider(ctx, "eu-west-1", provider)
			if err != nil {
				die(err)
			}
		}
		count += batch
	}
	check(token, session)

	return float64(elapsed.Nanoseconds()) / float64(count)
}

// version is that of the signer that is built in.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if strings.HasSuffix(module.Path, "/"+peer) {
				return strings.TrimPrefix(module.Version, "v")
			}
		}
	}

	return "unknown"
}

func main() {
	session := makeSession()
	provider := credentials.NewStaticCredentialsProvider("ASIAIOSFODNN7EXAMPLE",
		"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", session)
	var ns []float64

	measure(provider, session, warmUp)
	for i := 0; i < rounds; i++ {
		ns = append(ns, measure(provider, session, round))
	}
	sort.Float64s(ns)
	fmt.Printf(`{"peer":"%s","version":"%s","language":"go","case":"mint","ns":%.1f}`+"\n",
		peer, version(), ns[(rounds-1)/2])
}
