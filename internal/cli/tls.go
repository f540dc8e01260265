// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/pflag"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// tlsFlags say how the connection to the agent is secured. Without any of them it is not.
type tlsFlags struct {
	certFile, keyFile string
	caCertFiles       []string
	serverName        string
	skipVerify        bool
}

func (t *tlsFlags) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&t.certFile, "tls-cert-file", "", "certificate of the client, a PEM `file`")
	flags.StringVar(&t.keyFile, "tls-key-file", "", "private key of the client, a PEM `file`")
	flags.StringSliceVar(&t.caCertFiles, "tls-ca-cert-files", nil, "certificates that vouch for the agent, PEM `files`")
	flags.StringVar(&t.serverName, "tls-server-name", "", "`name` that the agent's certificate must have")
	flags.BoolVar(&t.skipVerify, "tls-skip-verify", false, "accept any certificate of the agent (insecure)")
}

// credentials returns how the connection is secured.
func (t *tlsFlags) credentials() (credentials.TransportCredentials, error) {
	if t.certFile == "" && t.keyFile == "" && len(t.caCertFiles) == 0 && t.serverName == "" && !t.skipVerify {
		return insecure.NewCredentials(), nil
	}
	if (t.certFile == "") != (t.keyFile == "") {
		return nil, errors.New("--tls-cert-file and --tls-key-file go together")
	}
	config := &tls.Config{
		MinVersion: tls.VersionTLS13,
		ServerName: t.serverName,
		// The user asked for it by a flag that says what it means.
		InsecureSkipVerify: t.skipVerify,
	}
	if t.certFile != "" {
		certificate, err := tls.LoadX509KeyPair(t.certFile, t.keyFile)
		if err != nil {
			return nil, fmt.Errorf("client certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	if len(t.caCertFiles) > 0 {
		config.RootCAs = x509.NewCertPool()
	}
	for _, file := range t.caCertFiles {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("certificates of --tls-ca-cert-files: %w", err)
		}
		if !config.RootCAs.AppendCertsFromPEM(data) {
			return nil, fmt.Errorf("%s holds no PEM certificate", file)
		}
	}
	return credentials.NewTLS(config), nil
}
