// SPDX-License-Identifier: Apache-2.0

package local

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"time"
)

// validity is how long a certificate is valid: longer than any test runs.
const validity = 240 * time.Hour

// authority signs certificates.
type authority struct {
	dir  dir
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

// makeKeys writes all keys, certificates and kubeconfigs of a cluster.
func makeKeys(d dir, nodes int) error {
	ca, err := newAuthority(d, "ca")
	if err != nil {
		return err
	}
	proxyCA, err := newAuthority(d, "front-proxy-ca")
	if err != nil {
		return err
	}
	if _, _, err := proxyCA.issue("front-proxy-client", pkix.Name{CommonName: "front-proxy-client"}); err != nil {
		return err
	}
	if err := ca.issueControlPlane(); err != nil {
		return err
	}
	for n := node(1); int(n) <= nodes; n++ {
		if err := ca.issueNode(n); err != nil {
			return err
		}
	}
	return makeServiceAccountKey(d)
}

func newAuthority(d dir, name string) (*authority, error) {
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	a := &authority{dir: d}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, fmt.Errorf("key %s: %w", name, err)
	}
	if a.cert, a.pem, err = sign(template, template, &a.key.PublicKey, a.key); err != nil {
		return nil, fmt.Errorf("certificate %s: %w", name, err)
	}
	return a, a.write(name, a.pem, a.key)
}

func (a *authority) issueControlPlane() error {
	server := []string{
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
		"localhost", "127.0.0.1", controlAddress, firstService,
	}
	if _, _, err := a.issue("apiserver", pkix.Name{CommonName: "kube-apiserver"}, server...); err != nil {
		return err
	}
	masters := []string{"system:masters"}
	client := pkix.Name{CommonName: "kube-apiserver-kubelet-client", Organization: masters}
	if _, _, err := a.issue("apiserver-kubelet-client", client); err != nil {
		return err
	}
	for name, subject := range map[string]pkix.Name{
		"admin":              {CommonName: "admin", Organization: masters},
		"controller-manager": {CommonName: "system:kube-controller-manager"},
		"scheduler":          {CommonName: "system:kube-scheduler"},
		"kube-proxy":         {CommonName: "system:kube-proxy"},
	} {
		if err := a.kubeconfig(name, subject); err != nil {
			return err
		}
	}
	return nil
}

func (a *authority) issueNode(n node) error {
	if _, _, err := a.issue("kubelet-"+n.name(), pkix.Name{CommonName: n.name()}, n.name(), n.address(), "127.0.0.1"); err != nil {
		return err
	}
	return a.kubeconfig(n.name(), pkix.Name{CommonName: "system:node:" + n.name(), Organization: []string{"system:nodes"}})
}

// issue writes a key and a certificate for names and addresses, and returns them as PEM.
func (a *authority) issue(name string, subject pkix.Name, names ...string) (crt, key []byte, err error) {
	template := &x509.Certificate{
		Subject: subject, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	for _, one := range names {
		if ip := net.ParseIP(one); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, one)
		}
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("key %s: %w", name, err)
	}
	if _, crt, err = sign(template, a.cert, &private.PublicKey, a.key); err != nil {
		return nil, nil, fmt.Errorf("certificate %s: %w", name, err)
	}
	if key, err = pemKey(private); err != nil {
		return nil, nil, err
	}
	return crt, key, a.write(name, crt, private)
}

func (a *authority) write(name string, crt []byte, key *ecdsa.PrivateKey) error {
	text, err := pemKey(key)
	if err != nil {
		return err
	}
	if err := os.WriteFile(a.dir.pki(name+".crt"), crt, 0o600); err != nil {
		return err
	}
	return os.WriteFile(a.dir.pki(name+".key"), text, 0o600)
}

// kubeconfig writes what a client with that name needs to talk to the API server.
func (a *authority) kubeconfig(name string, subject pkix.Name) error {
	crt, key, err := a.issue(name, subject)
	if err != nil {
		return err
	}
	encode := base64.StdEncoding.EncodeToString
	text := fmt.Appendf(nil, `apiVersion: v1
kind: Config
clusters: [{name: vedette, cluster: {server: %q, certificate-authority-data: %s}}]
users: [{name: user, user: {client-certificate-data: %s, client-key-data: %s}}]
contexts: [{name: vedette, context: {cluster: vedette, user: user}}]
current-context: vedette
`, serverURL, encode(a.pem), encode(crt), encode(key))
	return os.WriteFile(a.dir.pki(name+".kubeconfig"), text, 0o600)
}

func makeServiceAccountKey(d dir) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("key of service accounts: %w", err)
	}
	private, err := pemKey(key)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return err
	}
	if err := os.WriteFile(d.pki("service-accounts.key"), private, 0o600); err != nil {
		return err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})
	return os.WriteFile(d.pki("service-accounts.pub"), text, 0o600)
}

func sign(template, parent *x509.Certificate, public *ecdsa.PublicKey, key *ecdsa.PrivateKey) (*x509.Certificate, []byte, error) {
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return nil, nil, err
	}
	template.SerialNumber = serial
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(validity)
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), err
}

func pemKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}
