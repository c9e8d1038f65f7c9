BEGIN TRANSACTION;
CREATE TABLE calls (number INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT NOT NULL) STRICT;
CREATE TABLE clock (wall REAL NOT NULL, simulated REAL NOT NULL, speed REAL NOT NULL) STRICT;
INSERT INTO "clock" VALUES(1.79525406008397054669e+09,1.79525406008397054669e+09,0.0);
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL,
    name TEXT NOT NULL, arn TEXT NOT NULL, token TEXT,
    product_name TEXT NOT NULL, product_arn TEXT NOT NULL, model TEXT NOT NULL,
    created INTEGER NOT NULL, length INTEGER NOT NULL, ends INTEGER NOT NULL,
    failure TEXT, stop_asked INTEGER, stop_due INTEGER,
    members TEXT NOT NULL,
    UNIQUE (kind, account, region, name)
) STRICT;
INSERT INTO "jobs" VALUES(1,'ModelCustomizationJob','123456789012','us-east-1','old','arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-micro-v1:0:128k/a5x02kw8gh26','t','old-model','arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-micro-v1:0:128k/rktac8nn8zwv','amazon.nova-micro-v1:0:128k',1795254060083,3812700,1795257872783,NULL,NULL,NULL,'{"jobArn": "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-micro-v1:0:128k/a5x02kw8gh26", "jobName": "old", "customModelName": "old-model", "roleArn": "arn:aws:iam::123456789012:role/BedrockCustomization", "clientRequestToken": "t", "baseModelIdentifier": "amazon.nova-micro-v1:0:128k", "trainingDataConfig": {"s3Uri": "s3://acme-training/support/train.jsonl"}, "outputDataConfig": {"s3Uri": "s3://acme-training/support/output/"}, "customizationType": "FINE_TUNING", "hyperParameters": {"epochCount": "2", "learningRate": "0.00001", "learningRateWarmupSteps": "10"}, "baseModelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-micro-v1:0:128k", "outputModelName": "old-model"}');
INSERT INTO "jobs" VALUES(2,'ModelCustomizationJob','123456789012','us-east-1','older-stopped','arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-micro-v1:0:128k/ylhwtlecy975','1ff54943-e0bb-42a3-aba0-fe597a153176','older-stopped-model','arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-micro-v1:0:128k/7uimj4406m4o','amazon.nova-micro-v1:0:128k',1795254060083,3944373,1795258004456,NULL,1795254060083,1795254120083,'{"jobArn": "arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-micro-v1:0:128k/ylhwtlecy975", "jobName": "older-stopped", "customModelName": "older-stopped-model", "roleArn": "arn:aws:iam::123456789012:role/BedrockCustomization", "clientRequestToken": "1ff54943-e0bb-42a3-aba0-fe597a153176", "baseModelIdentifier": "amazon.nova-micro-v1:0:128k", "trainingDataConfig": {"s3Uri": "s3://acme-training/support/train.jsonl"}, "outputDataConfig": {"s3Uri": "s3://acme-training/support/output/"}, "customizationType": "FINE_TUNING", "hyperParameters": {"epochCount": "2", "learningRate": "0.00001", "learningRateWarmupSteps": "10"}, "baseModelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-micro-v1:0:128k", "outputModelName": "older-stopped-model"}');
CREATE TABLE tags (
    arn TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (arn, key)
) STRICT;
INSERT INTO "tags" VALUES('arn:aws:bedrock:us-east-1:123456789012:model-customization-job/amazon.nova-micro-v1:0:128k/a5x02kw8gh26','k','v');
CREATE UNIQUE INDEX jobs_by_arn ON jobs (arn);
CREATE INDEX jobs_by_product ON jobs (product_arn);
CREATE INDEX jobs_by_token ON jobs (kind, account, region, token);
CREATE INDEX jobs_by_time ON jobs (kind, account, region, created, number);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('calls',3);
COMMIT;
PRAGMA user_version = 1;
