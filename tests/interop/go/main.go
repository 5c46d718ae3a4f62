// signer sign|connect: aws-msk-iam-sasl-signer-go (tests/interop/README.md).
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-msk-iam-sasl-signer-go/signer"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
)

type request struct {
	Region           string `json:"region"`
	AccessKeyID      string `json:"access_key_id"`
	SecretAccessKey  string `json:"secret_access_key"`
	SessionToken     string `json:"session_token"` // null: empty
	BootstrapServers string `json:"bootstrap_servers"`
	CAFile           string `json:"ca_file"`
}

func makeToken(ctx context.Context, r *request) (string, int64, error) {
	return signer.GenerateAuthTokenFromCredentialsProvider(ctx, r.Region,
		credentials.NewStaticCredentialsProvider(r.AccessKeyID, r.SecretAccessKey, r.SessionToken))
}

func sign(ctx context.Context, in *json.Decoder, out *json.Encoder) error {
	for {
		var r request
		if err := in.Decode(&r); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		token, expiresAtMs, err := makeToken(ctx, &r)
		if err != nil {
			return err
		}
		if err := out.Encode(map[string]any{"token": token, "expires_at_ms": expiresAtMs}); err != nil {
			return err
		}
	}
}

func connect(ctx context.Context, r *request) error {
	ca, err := os.ReadFile(r.CAFile)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)

	client, err := kgo.NewClient(
		kgo.SeedBrokers(strings.Split(r.BootstrapServers, ",")...),
		kgo.DialTLSConfig(&tls.Config{RootCAs: roots}),
		kgo.SASL(oauth.Oauth(func(ctx context.Context) (oauth.Auth, error) {
			token, _, err := makeToken(ctx, r)
			return oauth.Auth{Token: token}, err
		})),
		kgo.RequestRetries(0),
	)
	if err != nil {
		return err
	}
	defer client.Close()

	return client.Ping(ctx)
}

func run() error {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()

	if os.Args[1] == "sign" {
		return sign(ctx, in, out)
	}

	var r request
	if err := in.Decode(&r); err != nil {
		return err
	}
	if err := connect(ctx, &r); err != nil {
		return out.Encode(map[string]any{"error": err.Error()})
	}

	return out.Encode(map[string]any{"error": nil})
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
