#!/usr/bin/env python3
"""usage: real_s3.py READY FOLDER

An S3 server (moto) that checks signatures, with a bucket "data" that has the files
of FOLDER.  It writes its port, a key and its secret to READY.  The first requests,
which make the key and the bucket, need no signature.
"""
import os
import sys

files = sorted(os.listdir(sys.argv[2]))
# create_user, put_user_policy, create_access_key, create_bucket, and the files
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = str(4 + len(files))
os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
os.environ["AWS_ACCESS_KEY_ID"] = os.environ["AWS_SECRET_ACCESS_KEY"] = "x"

import boto3
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
port = server.get_host_and_port()[1]
at = {"endpoint_url": "http://127.0.0.1:%d" % port}
iam = boto3.client("iam", **at)
iam.create_user(UserName="reader")
iam.put_user_policy(
    UserName="reader", PolicyName="all", PolicyDocument='{"Version":'
    '"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*",'
    '"Resource":"*"}]}')
key = iam.create_access_key(UserName="reader")["AccessKey"]
s3 = boto3.client("s3", **at)
s3.create_bucket(Bucket="data")
for name in files:
    with open(os.path.join(sys.argv[2], name), "rb") as f:
        s3.put_object(Bucket="data", Key="2026/a b/" + name, Body=f.read())
with open(sys.argv[1] + ".part", "w") as f:
    f.write("%d %s %s\n" % (port, key["AccessKeyId"], key["SecretAccessKey"]))
os.rename(sys.argv[1] + ".part", sys.argv[1])
sys.stdin.read()
