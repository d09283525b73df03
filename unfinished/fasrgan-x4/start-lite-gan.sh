#!/usr/bin/env bash
# start-lite-gan.sh [--resume]: adversarial stage of lite on mixed inputs, from runs/lite-l1
cd /root/fas/train8 || exit 1
export PYTHONPATH=/root/fas/train8 OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE
ARGS="--system fasrgan-lite --stage gan --data folder:/work/shared/photos=0.88;rendered:=0.07;pairs:/root/fas/dark/LR,/root/fas/dark/HR=0.05 --output /root/fas/runs/lite-gan
 --data.degradation clean=0.22,web=0.34,camera=0.22,real=0.22 --data.crops_per_image 6 --data.shuffle_buffer 96 --data.batch 4 --data.crop 96 --data.crop_candidates 1
 --init /root/fas/runs/lite-l1/model --init-discriminator fasrgan-lite-x4
 --losses.perceptual 0 --losses.adversarial 0.1 --losses.attention 1 --losses.content 8 --losses.color 10 --losses.texture 60 --losses.grid 150
 --losses.lpips 24 --losses.dists 20 --config /root/fas/full7.yaml
 --optimizer.d_every 2 --optimizer.r1 0.003 --optimizer.lr 2.5e-4 --optimizer.warmup 50 --optimizer.ema 0.998 --optimizer.cosine_steps ${STEPS:-3600} --steps ${STEPS:-3600} --precision bf16 --seed 1
 --checkpoints.minutes 4 --checkpoints.keep 2 --validate-every 1000000 --log-every 20 --logging.trackers []"
[ "$1" = --resume ] && ARGS="$ARGS --resume latest"
setsid nohup taskset -c 0 /root/fas/venv/bin/python scripts/train.py $ARGS >> /root/fas/lite-gan.log 2>&1 &
echo $! > /root/fas/lite.pgid; sleep 2; echo -16 > /proc/$(cat /root/fas/lite.pgid)/autogroup
